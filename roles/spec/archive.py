"""What pins a stack that is one archive: the file of a release, by its own hash."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from roles.spec.base import Fault, Sha256, Spec, spelled
from roles.spec.source import Bundle, Folder, HostFolder, HttpFolder, in_order

_ArchiveName = Annotated[
    str,
    spelled(
        r"[A-Za-z0-9][A-Za-z0-9._+-]*\.(tar\.zst|tar\.gz|tgz)",
        "should be the name that its makers gave it, as in ollama-linux-amd64.tar.zst",
    ),
]


class Archive(Spec):
    """
    A release as its makers pack it: it is unpacked whole into the stack's folder.

    :param file: its name, as its makers give it
    :param size: in bytes
    :param sha256: of the file, from a copy that you trust
    :param sources: where it comes from; the next one is asked for what one does not have
    """

    file: _ArchiveName
    size: int = Field(gt=0)
    sha256: Sha256
    sources: tuple[Folder | HostFolder | Bundle | HttpFolder, ...]

    @property
    def pins(self) -> dict[str, str]:
        """Packages by name: none, what is inside has no versions of its own."""
        return {}

    @property
    def unpackers(self) -> tuple[str, ...]:
        """What unpacks it besides tar, by the names of Debian's packages."""
        return ("zstd",) if self.file.endswith(".zst") else ()

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from in_order(self.sources)
        for folder in [source.path for source in self.sources if isinstance(source, Folder)]:
            file = folder / self.file
            if not file.is_file():
                right = "put it there, or name another source"
                yield Fault(path="file", wrong=f"{file} does not exist", right=right)
            elif file.stat().st_size != self.size:
                yield Fault(
                    path="size",
                    wrong=f"is {self.size}, {file} has {file.stat().st_size} bytes",
                    right="pin the file that is there, or put the pinned one there",
                )
