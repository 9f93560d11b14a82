"""A file on its way: it lies beside its name until it is whole and right."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import Any, Callable

_BLOCK = 4 * 1024 * 1024


class Partial:
    """One file of a manifest as ``PATH.partial``, with the sha256 of what is there of it."""

    def __init__(self, folder: str, file: Any) -> None:
        self.file = file
        self.path: str = folder + "/" + file["path"]
        self.beside = self.path + ".partial"
        self.have = 0
        self.digest = hashlib.sha256()

    @property
    def left(self) -> int:
        """Return how many bytes of it are on the disk already, of a try before."""
        size = os.path.getsize(self.beside) if os.path.isfile(self.beside) else 0
        return size if size <= self.file["size"] else 0

    def read(self, tell: Callable[[int], None]) -> None:
        """Take up what a try before left, telling of each block that was read."""
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        if not self.left:
            self.discard()
            return
        with open(self.beside, "rb") as found:
            for block in iter(lambda: found.read(_BLOCK), b""):
                self.digest.update(block)
                self.have += len(block)
                tell(len(block))

    def add(self, target: Any, block: bytes) -> None:
        """Write what comes next, to the file opened for it; ``None`` when it is written already."""
        if target is not None:
            target.write(block)
        self.digest.update(block)
        self.have += len(block)

    @property
    def found(self) -> str:
        """Return the sha256 of what is there."""
        return self.digest.hexdigest()

    @property
    def right(self) -> bool:
        """Say whether it is the file of the manifest."""
        return (self.have, self.found) == (self.file["size"], self.file["sha256"])

    def discard(self) -> None:
        """Begin anew."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.beside)
        self.have = 0
        self.digest = hashlib.sha256()

    def tidy(self) -> None:
        """Leave no empty file."""
        if not self.have:
            self.discard()

    def finish(self) -> None:
        """Give the file its name."""
        os.chmod(self.beside, 0o644)
        os.replace(self.beside, self.path)
