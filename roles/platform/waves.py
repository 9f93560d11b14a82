"""Hosts that serve, a few at a time: when one fails, no further one is begun."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from gevent.lock import BoundedSemaphore
from pyinfra.api import Host, State

from roles import control
from roles.platform.step import PlatformError


@dataclass
class _Run:
    turns: BoundedSemaphore
    failed: list[str] = field(default_factory=list)


_runs: "WeakKeyDictionary[State, _Run]" = WeakKeyDictionary()


@contextmanager
def turn(state: State, host: Host) -> Iterator[None]:
    """
    Wait for this host's turn; ``--data reboot_at_once=N`` says how many have it at a time.

    :raises PlatformError: a host before it failed, so that this one was left as it is
    """
    run = _runs.setdefault(state, _Run(BoundedSemaphore(_at_once(host))))
    with run.turns:
        if control.stopping.asked():
            raise PlatformError("stopped as you asked before this host was begun")
        if run.failed:
            raise PlatformError(
                f"{', '.join(run.failed)} did not become ready, so this host was not begun, and "
                "nothing was changed on it; look there first, then run again"
            )
        try:
            yield
        except BaseException:
            run.failed.append(host.name)
            raise


def _at_once(host: Host) -> int:
    told = host.data.get("reboot_at_once", 1)
    if not isinstance(told, int) or told < 1:
        raise PlatformError(f"reboot_at_once is {told!r}, should be a number from 1")
    return told
