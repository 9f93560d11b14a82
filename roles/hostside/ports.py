"""Who listens on this host's TCP ports."""

from __future__ import annotations

import glob
import os

import containers
import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Set

_NOBODY = {"pid": None, "process": None, "unit": None}


def listening() -> List[Dict[str, Any]]:
    """Return every listening TCP port with process and unit, as far as they can be seen."""
    found: Dict[int, Set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in [line.split() for line in _text(table).splitlines()[1:]]:
            if row[3] == "0A":
                found.setdefault(int(row[1].split(":")[1], 16), set()).add(row[9])
    owners = _owners({inode for inodes in found.values() for inode in inodes})
    return [
        _published(dict(next((owners[i] for i in inodes if i in owners), _NOBODY), port=port))
        for port, inodes in sorted(found.items())
    ]


def holder(port: int) -> str:
    """Return who listens on a TCP port, empty when nobody does."""
    for found in listening():
        if found["port"] == port:
            if found["pid"] is None:
                return "another process"
            return "{process} (pid {pid})".format(**found)
    return ""


def _published(listener: Dict[str, Any]) -> Dict[str, Any]:
    """Where Docker listens for a container of ours, its unit is meant."""
    if listener["process"] == containers.PROXY:
        listener["unit"] = containers.publishing(listener["port"]) or listener["unit"]
    return listener


def _owners(inodes: Set[str]) -> Dict[str, Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = {}
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        inode = target[len("socket:[") : -1] if target.startswith("socket:[") else ""
        if inode in inodes and inode not in found:
            pid = int(link.split("/")[2])
            found[inode] = {
                "pid": pid,
                "process": processes.name_of(pid),
                "unit": processes.unit_of(pid),
            }
    return found


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""
