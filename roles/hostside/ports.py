"""Who listens on this host's TCP ports."""

from __future__ import annotations

import os

import containers
import glance
import listeners
import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Set

_NOBODY = {"pid": None, "process": None, "unit": None}


def listening() -> List[Dict[str, Any]]:
    """Return every listening TCP port with process and unit, as far as they can be seen."""
    found: Dict[int, Set[str]] = {}
    for port, inode in listeners.read():
        found.setdefault(port, set()).add(inode)
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
    for pid in sorted(int(name) for name in glance.names("/proc") if name.isdecimal()):
        # Most hosts have far more processes than those that listen.
        if len(found) == len(inodes):
            break
        for inode in _open(pid) & inodes - found.keys():
            found[inode] = {
                "pid": pid,
                "process": processes.name_of(pid),
                "unit": processes.unit_of(pid),
            }
    return found


def _open(pid: int) -> Set[str]:
    """Return the numbers of the sockets that a process has open, as far as they can be seen."""
    folder, begin, found = "/proc/{}/fd/".format(pid), "socket:[", set()
    for name in glance.names(folder):
        try:
            target = os.readlink(folder + name)
        except OSError:
            continue
        if target.startswith(begin):
            found.add(target[len(begin) : -1])
    return found
