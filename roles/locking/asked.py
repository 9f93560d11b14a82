"""What is to be locked: ``--data stack=NAME``, or every stack that has a ``.in`` beside it."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.spec import Lock, Stack

_LATER = re.compile(r"lock/|installers/\d+/sha256$")


class LockingError(Exception):
    """Nothing can be locked; the message says why."""


@dataclass(frozen=True)
class Asked:
    """
    Which locks to make, and how.

    :param renew: whether a lock that is there may be changed
    :param index: URL of the package index; uv's own unless given
    """

    stacks: dict[str, Stack]
    renew: bool
    index: str | None


def asked(data: Mapping[str, Any]) -> Asked:
    """
    Read what was given with ``--data``.

    :raises LockingError: it is not what can be asked
    """
    renew = str(data.get("renew", "no"))
    if renew not in ("yes", "no"):
        raise LockingError(f"renew: is {renew!r}, yes and no are right")
    folder = Path(str(data.get("folder", "inventories/stacks"))).resolve()
    known = sorted(source.stem for source in folder.glob("*.in"))
    wanted = [str(data["stack"])] if data.get("stack") else known
    if not known:
        raise LockingError(f"stack: {folder} has no .in, write one beside the stack")
    for name in wanted:
        if name not in known:
            there = ", ".join(known)
            raise LockingError(f"stack: {folder} has no {name}.in, there are {there}")
    stacks = {name: _stack(folder / f"{name}.py") for name in wanted}
    return Asked(stacks=stacks, renew=renew == "yes", index=data.get("index"))


def _stack(file: Path) -> Stack:
    """
    Run a stack's file as pyinfra runs an inventory, and take what it defines.

    A lock that does not exist yet is the only fault that it may have, besides vendors' files whose
    hashes are not known yet.
    """
    if not file.is_file():
        raise LockingError(f"{file} does not exist, a stack says what its lock is for")
    spec = importlib.util.spec_from_file_location(f"stack_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise LockingError(f"{file} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stack = getattr(module, "STACK", None)
    if not isinstance(stack, Stack):
        raise LockingError(f"{file} has no STACK, define it as the stacks beside it do")
    faults = [fault for fault in stack.faults() if not _LATER.match(fault.path)]
    if faults:
        raise LockingError(f"{file.name}: " + "; ".join(map(str, faults)))
    lock = lock_of(stack)
    if lock.file != file.with_suffix(".txt"):
        raise LockingError(
            f"{file.name}: lock/file is {lock.file}, should be {file.with_suffix('.txt')}"
        )
    if lock.glibc is None:
        raise LockingError(
            f"{file.name}: lock/glibc is missing, give the oldest that its hosts have, as in 2.31"
        )
    return stack


def lock_of(stack: Stack) -> Lock:
    """
    Return the lock of a stack.

    :raises LockingError: it is made of something else
    """
    if not isinstance(stack.lock, Lock):
        raise LockingError(f"{stack.name} has no Lock to be made, it is pinned otherwise")
    return stack.lock
