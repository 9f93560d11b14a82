"""Folders and small files as they are found now; what cannot be read is as what is not there."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List


def text(path: str, most: int = -1) -> str | None:
    """
    Return what a file holds, without blanks around it; ``None`` without one.

    :param most: how many bytes of it are enough
    """
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(most).decode("utf-8", "replace").strip()
    except OSError:
        return None


def names(folder: str, ending: str = "") -> List[str]:
    """Return what a folder holds but hidden things, by name; nothing without one."""
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in found if name.endswith(ending) and not name.startswith("."))


def program(name: str, *further: str) -> str | None:
    """
    Return where a program lies, ``None`` where it does not.

    :param further: folders to look into behind those of ``PATH``
    """
    for folder in (*os.environ.get("PATH", os.defpath).split(os.pathsep), *further):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def room(folder: str) -> Dict[str, int]:
    """
    Return ``total`` and ``free`` MiB of the file system that a folder is on.

    :raises OSError: it is not there
    """
    found = os.statvfs(folder)
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    return {"total": total >> 20, "free": free >> 20}
