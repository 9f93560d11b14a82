"""How long tests of the lab wait for what comes: a safety net, and no claim of speed."""

from collections.abc import Callable

from roles.lab.command import wait

AT_MOST_S = 600


def comes(question: Callable[[], bool], *, every_s: float = 0.2) -> bool:
    """Ask until the answer is yes, however loaded the machine is; a question may cost a login."""
    return wait(question, within_s=AT_MOST_S, every_s=every_s)
