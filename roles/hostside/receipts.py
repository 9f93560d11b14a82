"""
What a finished phase left behind, so that a later run can tell whether it still holds.

``receipts.py write PHASE`` reads ``{"digest": ..., "paths": [...]}`` from its input.
Small files are kept by their sha256; files of more than 1 MiB by size, time and inode. A small file
that nobody has touched since, by what the file system says of it, is not read again.
"""

from __future__ import annotations

import os
import stat
import sys
import time

import durable
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_SMALL = 1024 * 1024
# The longest that a kernel gives one time to all that changes.
_TICK_S = 0.01


def state(path: str) -> Dict[str, Any]:
    """Return what distinguishes a path from the same path changed."""
    try:
        found = os.lstat(path)
    except OSError:
        return {"kind": "missing"}
    if stat.S_ISLNK(found.st_mode):
        return {"kind": "link", "target": os.readlink(path)}
    owned = {"mode": oct(stat.S_IMODE(found.st_mode)), "owner": found.st_uid}
    if stat.S_ISDIR(found.st_mode):
        return dict(owned, kind="folder")
    if found.st_size > _SMALL:
        return dict(
            owned,
            kind="large file",
            size=found.st_size,
            changed=found.st_mtime_ns,
            inode=found.st_ino,
        )
    # Where nothing drifted it is not needed: to import it takes longer than all that is asked here.
    import hashlib

    with open(path, "rb") as file:
        return dict(owned, kind="file", sha256=hashlib.sha256(file.read()).hexdigest())


def _seen(path: str) -> List[int]:
    """Return what changes with every change to a file, of its mode and owner too."""
    try:
        found = os.lstat(path)
    except OSError:
        return []
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def write(phase: str, digest: str, paths: List[str], files: Any = None) -> None:
    """
    Leave a receipt for a phase.

    :param files: what nobody else knows of what it made: ``{"path", "size", "sha256"}`` each
    """
    seen = {path: _seen(path) for path in paths}
    # Who changes a file once it is read gives it another time.
    time.sleep(_TICK_S)
    kept = {path: state(path) for path in paths}
    missing = [path for path, found in kept.items() if found["kind"] == "missing"]
    if missing:
        raise SystemExit("{}: did not leave {}".format(phase, ", ".join(missing)))
    small = {path: seen[path] for path, found in kept.items() if found["kind"] == "file"}
    receipt = {"digest": digest, "at": durable.now(), "paths": kept, "seen": small}
    if files is not None:
        receipt["files"] = files
    durable.write_json("{}/{}.json".format(places.receipts(), phase), receipt)


def files(phase: str) -> Any:
    """Return what a receipt alone knows of the files of its phase, ``None`` without one."""
    kept = durable.read_json("{}/{}.json".format(places.receipts(), phase))
    return kept and kept.get("files")


def drifted(receipt: Any) -> List[str]:
    """Return a line for each path that is not as it was left."""
    lines = []
    seen = receipt.get("seen", {})
    for path, kept in sorted(receipt["paths"].items()):
        if path in seen and seen[path] == _seen(path):
            continue
        found = state(path)
        if found == kept:
            continue
        keys = sorted(set(kept) | set(found))
        changed = [key for key in keys if kept.get(key) != found.get(key)]
        if found["kind"] == "missing":
            lines.append("{} is missing".format(path))
        else:
            lines.append("{} has another {}".format(path, ", ".join(changed)))
    return lines


def read_all() -> Dict[str, Any]:
    """Return every phase's digest and drift."""
    found = {}
    names = os.listdir(places.receipts()) if os.path.isdir(places.receipts()) else []
    for name in sorted(names):
        receipt = durable.read_record(places.receipts() + "/" + name, ("digest", "paths"))
        if name.endswith(".json") and receipt:
            phase = name[: -len(".json")]
            found[phase] = {"digest": receipt["digest"], "drift": drifted(receipt)}
    return found


def main() -> None:
    """See the top of the file."""
    wanted = durable.from_json(sys.stdin.read())
    write(sys.argv[2], wanted["digest"], wanted["paths"])


if __name__ == "__main__":
    main()
