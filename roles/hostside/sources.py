"""Sources of bytes: what each can say of a file, and a folder that this host sees."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator

_BLOCK = 4 * 1024 * 1024


class MissingError(Exception):
    """A source does not have a file as the manifest says; the next one is asked for it."""


class UnusableError(Exception):
    """A source gives nothing; the next one is asked for all that is still to come."""


class Folder:
    """A folder of this host, with each file at its path."""

    # Whether the bytes that it yields are in the file that they are for already.
    writes = False

    def __init__(self, source: Dict[str, str]) -> None:
        self.name = source["name"]
        self.folder = source["folder"]

    def where(self, file: Any) -> str:
        """Return where a file is, as operators read it."""
        return "{}/{}".format(self.folder, file["path"])

    def blocks(self, file: Any, offset: int) -> Iterator[bytes]:
        """
        Yield a file's bytes from ``offset`` to its end.

        :raises MissingError: it is not there, or has another size
        :raises UnusableError: the folder cannot be read
        """
        path = self.where(file)
        try:
            if not os.path.isfile(path):
                raise MissingError("{} is not in the source".format(path))
            other_size(path, os.path.getsize(path), file)
            with open(path, "rb") as found:
                found.seek(offset)
                yield from iter(lambda: found.read(_BLOCK), b"")
        except OSError as error:
            raise UnusableError("{} cannot be read: {}".format(path, error.strerror)) from error


def other_size(where: str, found: int, file: Any) -> None:
    """Refuse a file that cannot be the one that is wanted."""
    if found != file["size"]:
        raise MissingError(
            "{} has {} bytes, the manifest says {}; the source is another revision or "
            "incomplete".format(where, found, file["size"])
        )
