"""Whether what lies somewhere is our own, and as we left it."""

from __future__ import annotations

import os
import stat


def holds(path: str, content: bytes, mode: int) -> bool:
    """Say whether ``path`` is a file of ours with this content, no link to one."""
    try:
        found = os.lstat(path)
        with open(path, "rb") as file:
            same = file.read() == content
    except OSError:
        return False
    return same and stat.S_ISREG(found.st_mode) and has(found, mode)


def has(found: os.stat_result, mode: int) -> bool:
    """Say whether what was found is ours and has a mode: its owner may change it at any time."""
    return found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == mode
