"""Whose a process of this host is."""

from __future__ import annotations

import os

import containers
import glance


def unit_of(pid: int, root: str = "/") -> str | None:
    """Return the unit of systemd that a process belongs to, ``None`` when none can be seen."""
    for group in _text(root, pid, "cgroup").splitlines():
        # Below its unit a process may sit in a group of the unit's own: the first one counts.
        for part in group.split(":", 2)[2].split("/"):
            # A container is beside the unit that it is run by.
            ours = containers.unit_of(part)
            if ours or part.endswith((".service", ".scope")):
                return ours or part
    return None


def name_of(pid: int, root: str = "/") -> str | None:
    """Return the short name of a process, ``None`` when it is gone or not visible."""
    return _text(root, pid, "comm") or None


def _text(root: str, pid: int, name: str) -> str:
    return glance.text(os.path.join(root, "proc", str(pid), name)) or ""
