"""How far a program is that tells nothing itself: by what the disk holds more."""

from __future__ import annotations

import os
import time
from typing import Any

import progress

_EVERY_S = 0.2


def follow(running: Any, path: str, total: int, stage: str, say: progress.Progress) -> None:
    """Tell it until a process ends; ``path`` lies on the disk, ``total`` bytes are expected."""
    before = _used(path)
    while running.poll() is None:
        say.say(stage, min(total, max(0, _used(path) - before)), total)
        time.sleep(_EVERY_S)


def _used(path: str) -> int:
    found = os.statvfs(path)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
