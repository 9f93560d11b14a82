"""
Run a command where the host's shared memory is out of reach and links lead elsewhere.

``view.py OUTSIDE LINKS WORDS...``, in another mount namespace than ``OUTSIDE``, which is what
``namespace`` says there. ``LINKS`` is JSON, link to target, both absolute. The command has an empty
/dev/shm, finds each link leading to its target, and may change nothing in the folders that the
links lie in. Its output begins with ``MADE``; where that is missing, all this could not be had,
and the command was not run.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Dict

MADE = "\0metalserve-view\0"
_SHARED = "/dev/shm"  # noqa: S108  # the one that is meant


class ViewError(Exception):
    """The command cannot be kept from the host's own; the message says why."""


def namespace() -> str:
    """Return what tells this mount namespace from others."""
    return os.readlink("/proc/self/ns/mnt")


def make(links: Dict[str, str], outside: str) -> None:
    """Change what is seen from this namespace, and from no other."""
    if namespace() == outside:
        raise ViewError("this is the mount namespace of everybody else")
    hide(_SHARED)
    for folder in sorted({os.path.dirname(link) for link in links}):
        within = {os.path.basename(one): to for one, to in links.items() if _in(one, folder)}
        show(os.path.realpath(folder), within)


def hide(folder: str) -> None:
    """Have an empty folder in the place of one."""
    if not os.path.isdir(folder):
        return
    before = os.stat(folder).st_dev
    _mount("-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", folder)
    if os.stat(folder).st_dev == before or os.listdir(folder):
        raise ViewError("{} is the host's own still".format(folder))


def show(folder: str, links: Dict[str, str]) -> None:
    """Have links lead elsewhere, and all else in their folder as it is, read-only."""
    aside = tempfile.mkdtemp(prefix="metalserve-view-")
    try:
        _mount("--rbind", folder, aside)
        _mount("-t", "tmpfs", "-o", "mode=755,size=1m", "tmpfs", folder)
        with os.scandir(aside) as entries:
            for entry in entries:
                if entry.name not in links:
                    _as_it_is(entry, os.path.join(folder, entry.name))
        for name, target in links.items():
            os.symlink(target, os.path.join(folder, name))
        _mount("-o", "remount,ro", folder)
        # Only what was bound from it is still needed, and no way in may be left that is not
        # read-only.
        _run("umount", "--lazy", aside)
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(aside)


def _as_it_is(entry: os.DirEntry[str], path: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), path)
        return
    if entry.is_dir():
        os.mkdir(path)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount("--rbind", entry.path, path)
    _mount("-o", "remount,bind,ro", path)


def _in(path: str, folder: str) -> bool:
    return os.path.dirname(path) == folder


def _mount(*words: str) -> None:
    _run("mount", *words)


def _run(*words: str) -> None:
    try:
        said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise ViewError("{}: {}".format(words[0], error.strerror)) from error
    if said.returncode:
        raise ViewError("{}: {}".format(" ".join(words), said.stdout.strip()))


def main() -> None:
    """See the top of the file."""
    outside, links, words = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    try:
        make(links, outside)
    except (ViewError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(MADE)
    sys.stdout.flush()
    os.execvp(words[0], words)  # noqa: S606


if __name__ == "__main__":
    main()
