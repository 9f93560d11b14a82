"""The sha256 of a file."""

from __future__ import annotations

import hashlib
from typing import Callable

_BLOCK = 1024 * 1024


def sha256(path: str, tell: Callable[[int], None] = lambda count: None) -> str:
    """
    Return a file's sha256; ``tell`` hears of each block how many bytes it had.

    :raises OSError: it cannot be read
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            tell(len(block))
    return digest.hexdigest()
