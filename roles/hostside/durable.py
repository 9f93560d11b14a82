"""
Files and links that are whole after a power loss: written beside, synced, renamed; and JSON as most
of them hold it.

``json`` and ``contextlib`` take a host longer to import than all that a probe does with this.
"""

from __future__ import annotations

import errno
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection

_BLANK = " \t\n\r"


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
        remove(beside, OSError)
        raise
    sync_folder(os.path.dirname(path))


def write_json(path: str, content: object, mode: int = 0o644) -> None:
    """Leave ``path`` with ``content``, or as it was."""
    import json

    write(path, json.dumps(content, indent=1, sort_keys=True) + "\n", mode)


def read_json(path: str) -> Any:
    """Return what ``path`` holds, ``None`` when there is none or it is no JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return from_json(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def from_json(text: str) -> Any:
    """Return what a text says; see ``json.loads``, which has the word wherever it is not plain."""
    try:
        return _scanned(text)
    except Exception:
        import json

        return json.loads(text)


def to_json(value: Any) -> str:
    """Return a value on one line without blanks; see ``json.dumps``."""
    try:
        return _encoded(value)
    except Exception:
        import json

        return json.dumps(value, separators=(",", ":"))


def _scanned(text: str) -> Any:
    """Read it by what ``json`` has in C, which needs no more of it while all is well."""
    from _json import make_scanner

    scan: Any = make_scanner
    found, end = scan(_Plainly)(text, len(text) - len(text.lstrip(_BLANK)))
    if text[end:].strip(_BLANK):
        raise ValueError("more than a value")
    return found


class _Plainly:
    """What ``json`` tells its scanner unless it is told otherwise."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def _encoded(value: Any) -> str:
    from _json import encode_basestring_ascii, make_encoder

    encode: Any = make_encoder
    # Seen so far, other kinds, texts, indent, separators, sorted, skipped keys, NaN.
    plainly = encode({}, None, encode_basestring_ascii, None, ":", ",", False, False, True)
    return "".join(plainly(value, 0))


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
        remove(beside)
        try:
            os.symlink(target, beside)
            os.replace(beside, path)
        except OSError as error:
            remove(beside, OSError)
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


def remove(path: str, forgiven: type[OSError] = FileNotFoundError) -> None:
    """Leave no file or link at ``path``; one that cannot be removed for what is forgiven stays."""
    try:
        os.unlink(path)
    except forgiven:
        return


def remove_all(path: str) -> None:
    """Leave nothing at ``path``, nor below it; no link is followed."""
    import shutil

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def replace_folder(path: str, beside: str) -> None:
    """Leave ``path`` with what is ``beside``; who has its files open goes on with them."""
    import shutil

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


def append(path: str, text: str) -> None:
    """Append whole lines to a file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
