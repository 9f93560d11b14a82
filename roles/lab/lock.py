"""One run at a time may change what lies in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roles.lab.command import LabError, wait


@contextmanager
def alone(folder: Path, *, within_s: float = 900) -> Iterator[None]:
    """Wait until no other run is at work in ``folder``, and keep others out meanwhile."""
    taken: list[int] = []

    def take() -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run before may have deleted the folder that we hold.
            if os.fstat(descriptor).st_ino == folder.stat().st_ino:
                taken.append(descriptor)
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
        return False

    if not wait(take, within_s=within_s, every_s=0.2):
        raise LabError(f"{folder}: another run has been at work there for {within_s:g} s")
    try:
        yield
    finally:
        os.close(taken[0])
