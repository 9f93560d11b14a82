"""Other model revisions on this host: a file that two have in common need not be brought twice."""

from __future__ import annotations

import glob
import os
import re
from typing import Any

import hashed


def share(folder: str, file: Any) -> bool:
    """
    Give a file of ``folder`` a second name of the same file in another revision; say whether there
    is one. Revisions lie two levels below the root of all weights; each candidate is hashed.
    """
    root, name = os.path.dirname(os.path.dirname(folder)), file["path"]
    for path in sorted(glob.glob("{0}/*/*/{1}".format(glob.escape(root), glob.escape(name)))):
        revision = path[: -len(name) - 1]
        if revision == folder or not re.fullmatch("[0-9a-f]{12}", os.path.basename(revision)):
            continue
        try:
            same = os.path.getsize(path) == file["size"] and hashed.sha256(path) == file["sha256"]
            if same:
                give_name(path, "{}/{}".format(folder, name))
                return True
        except OSError:
            # Gone meanwhile, unreadable, or on another file system: it is brought like the others.
            continue
    return False


def give_name(path: str, name: str) -> None:
    """Give the file at ``path`` a second name, in place of whatever has it."""
    os.makedirs(os.path.dirname(name), mode=0o755, exist_ok=True)
    beside = name + ".partial"
    if os.path.lexists(beside):
        os.unlink(beside)
    os.link(path, beside)
    os.replace(beside, name)
    # Two names of one file: the rename did nothing.
    if os.path.lexists(beside):
        os.unlink(beside)
