"""Care of a host, step by step."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from roles import job, lock
from roles.care import plan
from roles.spec import HostSpec


@operation()
def right_weights(wanted: HostSpec) -> job.Commands:
    """
    Every file of the spec's weights was read and is as pinned.

    + wanted: what the host should be; what is wrong there counts as incomplete afterwards
    """
    if not wanted.instances:
        host.noop("no weights are wanted here")
        return
    yield from lock.held()
    yield from job.commands(
        "verify-weights", script="verify", python=wanted.python, plan=plan.hashed(wanted)
    )


@operation()
def told(fault: str | None, count: int) -> Generator[FunctionCommand, None, None]:
    """
    What nothing needs was told, and nothing was deleted.

    + fault: why it could not be told
    + count: how much was told
    """
    if fault:
        yield job.refusal(fault)
    elif count:
        host.noop(f"{count} to delete with --data prune=yes")
    else:
        host.noop("everything is needed")


@operation()
def pruned(
    wanted: str, fault: str | None, count: int, python: str
) -> Generator[StringCommand | FunctionCommand, None, None]:
    """
    Nothing of ours is there that neither the spec nor an instance on the host needs.

    + wanted: what ``prune.py`` is given, as JSON; it looks again before it deletes
    + fault: why it could not tell what may go
    + count: how much may go
    + python: the interpreter that runs our own code
    """
    if fault:
        yield job.refusal(fault)
    elif not count:
        host.noop("everything is needed")
    else:
        yield from lock.held()
        words = [QuoteString(python), "-", "delete", QuoteString(wanted)]
        yield job.shown(StringCommand(*words), program="prune")
