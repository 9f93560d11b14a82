"""States of the stacks' locks, on the control machine."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from pyinfra import logger
from pyinfra.api import FunctionCommand, Host, State, operation

from roles.locking.asked import LockingError, asked, lock_of
from roles.locking.changed import changes
from roles.locking.resolved import resolved
from roles.spec import Stack


@operation()
def locked_stacks(data: dict[str, Any]) -> Generator[FunctionCommand, None, None]:
    """
    Every stack that was asked for has its lock.

    + data: what was given with ``--data``; see ``asked.py``
    """
    yield FunctionCommand(_lock, (), {"data": data})


def _lock(state: State, host: Host, *, data: Mapping[str, Any]) -> bool:
    # pyinfra prints a traceback for an exception, and nothing for False.
    try:
        wish = asked(data)
    except (LockingError, OSError) as error:
        logger.error(f"{host.print_prefix}nothing was locked: {error}")
        return False
    locked = True
    for name, stack in wish.stacks.items():
        try:
            for line in _locked(stack, renew=wish.renew, index=wish.index):
                logger.info(f"{host.print_prefix}{name}: {line}")
        except (LockingError, OSError) as error:
            logger.error(f"{host.print_prefix}{name}: its lock is as it was: {error}")
            locked = False
    return locked


def _locked(stack: Stack, *, renew: bool, index: str | None) -> Iterator[str]:
    """Write a lock where it may be, and say what is other than before."""
    file = lock_of(stack).file
    before = file.read_text() if file.exists() else None
    after = resolved(stack, index=index)
    told = changes(before or "", after)
    if before is not None and not told:
        yield "its lock is what the index has today"
        return
    if before is not None and not renew:
        lines = "\n".join(f"  {line}" for line in told)
        raise LockingError(
            f"the index has {len(told)} of its packages otherwise today:\n{lines}\n"
            f"{stack.name} may be on hosts, where its name means this lock: write a stack of "
            "another name, or give --data renew=yes where it never was deployed"
        )
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(after)
    partial.replace(file)
    yield f"{len(told)} packages locked" if before is None else "its lock was renewed"
    yield from told if before is not None else ()
