"""Files and links that are whole after a power loss: written beside, synced, renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from typing import Any, Collection, Iterator


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Leave ``path`` with ``text``, or as it was."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = "{}.{}.new".format(path, os.getpid())
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    sync_folder(os.path.dirname(path))


def write_json(path: str, content: object, mode: int = 0o644) -> None:
    """Leave ``path`` with ``content``, or as it was."""
    write(path, json.dumps(content, indent=1, sort_keys=True) + "\n", mode)


def read_json(path: str) -> Any:
    """Return what ``path`` holds, ``None`` when there is none or it is no JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def read_record(path: str, keys: Collection[str]) -> Any:
    """Return the object that ``path`` holds, ``None`` when there is none or it lacks a key."""
    found = read_json(path)
    return found if isinstance(found, dict) and found.keys() >= set(keys) else None


def link(path: str, target: str | None) -> None:
    """Point ``path`` at ``target`` in one step, in two on a full disk; ``None`` removes it."""
    if target == read_link(path):
        return
    if target is None:
        os.unlink(path)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        beside = "{}.{}.new".format(path, os.getpid())
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        try:
            os.symlink(target, beside)
            os.replace(beside, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not os.path.islink(path):
                raise
            # There is no room for a second link, so the first one makes it.
            os.unlink(path)
            os.symlink(target, path)
    sync_folder(os.path.dirname(path))


def read_link(path: str) -> str | None:
    """Return what ``path`` points at, ``None`` when it is no link."""
    try:
        return os.readlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # A disk that cannot be read must not look like a host on which nothing serves.
        if error.errno != errno.EINVAL:
            raise
        return None


def replace_folder(path: str, beside: str) -> None:
    """Leave ``path`` with what is ``beside``; who has its files open goes on with them."""
    old = path + ".old"
    shutil.rmtree(old, ignore_errors=True)
    if os.path.isdir(path):
        os.rename(path, old)
    os.rename(beside, path)
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Make renames within a folder last."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def now() -> str:
    """Return the time as operators read it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@contextlib.contextmanager
def appended(path: str) -> Iterator[Any]:
    """Open a file to append whole lines to."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
