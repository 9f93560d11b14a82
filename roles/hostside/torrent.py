"""
The torrent of a model: the hash of each block, by which members of a swarm believe each other.

The plan of the job: ``{"name", "folder", "files": [{"path", "size", "sha256"}], "tool": LOCK of
libtorrent, "packages"}``. It is made from a folder whose files are right, and kept beside it.
"""

from __future__ import annotations

import os
from typing import Any

import jobs
import progress
import tools

# As many pieces as make the end short, where every host waits for the last ones, and no more than
# make a small torrent: about 4000, 130 KB.
_PIECES = 4096
_PIECE_MIN = 64 * 1024
_PIECE_MAX = 16 * 1024 * 1024


class TorrentError(jobs.JobError):
    """The files cannot be offered to a swarm."""


def library(plan: Any, say: progress.Progress) -> Any:
    """Return libtorrent, brought at its pinned version if need be."""
    folder = tools.bring("libtorrent", plan["tool"], plan["packages"], say)
    return tools.module("libtorrent", folder)


def path(folder: str) -> str:
    """Return where the torrent of a model's folder is kept."""
    return folder + ".torrent"


def read(folder: str) -> bytes | None:
    """Return the torrent of a model's folder, if it was made."""
    try:
        with open(path(folder), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def keep(folder: str, content: bytes) -> None:
    """Keep a torrent for the next time."""
    beside = path(folder) + ".new"
    with open(beside, "wb") as file:
        file.write(content)
    os.replace(beside, path(folder))


def piece_length(total: int) -> int:
    """Return the bytes of a piece for a model of ``total`` bytes."""
    length = _PIECE_MIN
    while length < _PIECE_MAX and length * _PIECES < total:
        length *= 2
    return length


def make(plan: Any, say: progress.Progress) -> str:
    """Leave the torrent and return what was done."""
    files = [file for file in plan["files"] if file["size"]]
    if len(files) < 2:
        raise TorrentError("a swarm needs two files at least, that have bytes")
    libtorrent = library(plan, say)
    parent, name = os.path.split(plan["folder"])
    total = sum(file["size"] for file in files)
    listed = libtorrent.file_storage()
    for file in files:
        listed.add_file("{}/{}".format(name, file["path"]), file["size"])
    length = piece_length(total)
    made = libtorrent.create_torrent(listed, length, libtorrent.create_torrent.v2_only)
    # Members know each other from their plans, and are to ask nobody else.
    made.set_priv(True)

    def hashed(piece: int) -> None:
        say.say("hashing blocks", min((piece + 1) * length, total), total)

    libtorrent.set_piece_hashes(made, parent, hashed)
    content = made.generate()
    # The same files, the same torrent, whenever it is made.
    content.pop(b"creation date", None)
    keep(plan["folder"], libtorrent.bencode(content))
    return "{} can be offered to others".format(plan["name"])


def main() -> None:
    """See the top of the file."""
    jobs.perform(make, otherwise="cannot be offered to other hosts")


if __name__ == "__main__":
    main()
