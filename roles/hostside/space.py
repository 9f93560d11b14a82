"""Whether a disk has room for what is to come, judged before the first byte."""

from __future__ import annotations

import shutil

import progress

_GIB = 1024**3


def spare(need: int) -> int:
    """Return the bytes to be left free besides what is needed: as many again, 1 GiB at most."""
    return min(_GIB, need)


def lacking(gib: float, disk: str) -> str:
    """Return why so many GiB do not go onto the disk of a path, empty when they do."""
    free = shutil.disk_usage(disk).free
    if free >= gib * _GIB:
        return ""
    return "it takes {} GiB, the disk of {} has {} free; free some".format(
        gib, disk, progress.size(free)
    )
