"""
Remove what a server of MindIE left in shared memory, and nothing that anybody uses.

``shm.py INSTANCE`` runs as root before the instance's server starts. MindIE wants such files gone
before it starts again (its documentation deletes them by name), and those of another user keep it
from starting at all. Removed is a file that no process has open or mapped and that belongs to no
other instance that may run. It says what was removed, what was left, and why.
"""

from __future__ import annotations

import fnmatch
import os
import pwd
import stat
import sys
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

import places
import processes
import progress
import service
import transaction

FOLDER = "/dev/shm"  # noqa: S108  # POSIX shared memory lies there
_NAMES = ("*llm_backend_*", "llm_tokenizer_shared_memory_*")

# A file, whatever it is called and wherever it is seen from.
_Id = Tuple[int, int]


class Left(NamedTuple):
    """A file that a server of MindIE made."""

    path: str
    id: _Id
    owner: int
    size: int


def clean(instance: str, folder: str = FOLDER, root: str = "/") -> List[str]:
    """
    Remove what nobody uses, and return what is to be said of it.

    :param instance: whose server is about to start
    :param root: the folder in the place of ``/``, for ``proc``
    """
    found = list(_made(folder))
    if not found:
        return []
    used = _used({one.id for one in found}, root)
    removed, said = [], []
    for one in found:
        why = used.get(one.id) or _owned(one.owner, instance)
        if why:
            said.append("left {}: {}".format(one.path, why))
            continue
        try:
            os.unlink(one.path)
        except FileNotFoundError:
            continue
        removed.append(one)
    if removed:
        freed = progress.size(sum(one.size for one in removed))
        names = ", ".join(os.path.basename(one.path) for one in removed)
        said.insert(0, "removed {}, which nobody used, {}".format(names, freed))
    return said


def _made(folder: str) -> Iterator[Left]:
    for name in sorted(os.listdir(folder)):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in _NAMES):
            continue
        path = "{}/{}".format(folder, name)
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(found.st_mode):
            size = found.st_blocks * 512
            yield Left(path, (found.st_dev, found.st_ino), found.st_uid, size)


def _used(wanted: Set[_Id], root: str) -> Dict[_Id, str]:
    """Return who has a file open or mapped, of those that somebody has."""
    found: Dict[_Id, str] = {}
    proc = os.path.join(root, "proc")
    for pid in filter(str.isdigit, os.listdir(proc)):
        for one in (*_open(os.path.join(proc, pid)), *_mapped(os.path.join(proc, pid))):
            if one in wanted and one not in found:
                name = processes.name_of(int(pid), root) or "a process"
                found[one] = "{} (pid {}) has it open".format(name, pid)
    return found


def _open(process: str) -> Iterator[_Id]:
    try:
        numbers = os.listdir(process + "/fd")
    except OSError:
        # It is gone.
        return
    for number in numbers:
        try:
            found = os.stat("{}/fd/{}".format(process, number))
        except OSError:
            continue
        yield found.st_dev, found.st_ino


def _mapped(process: str) -> Iterator[_Id]:
    """A file may be closed and still be mapped, as shared memory mostly is."""
    try:
        with open(process + "/maps", errors="replace") as file:
            rows = [line.split(None, 5) for line in file]
    except OSError:
        return
    for row in rows:
        major, _, minor = row[3].partition(":")
        yield os.makedev(int(major, 16), int(minor, 16)), int(row[4])


def _owned(owner: int, instance: str) -> str:
    """Return which other instance that may run a user is of, empty when of none."""
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:
        return ""
    prefix = places.user("")
    name = user[len(prefix) :]
    if not user.startswith(prefix) or name == instance:
        return ""
    described = transaction.described(name, transaction.current(name))
    if described and service.running(described["unit"]):
        return "it is {}'s, which runs".format(name)
    return ""


def main() -> None:
    """See the top of the file."""
    for line in clean(sys.argv[1]):
        print(line)


if __name__ == "__main__":
    main()
