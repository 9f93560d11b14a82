"""What a hub says of one revision."""

from dataclasses import dataclass
from typing import Protocol


class HubError(Exception):
    """A hub does not give what is asked, or what it gives cannot be pinned; says what to do."""


@dataclass(frozen=True)
class Listed:
    """
    One file.

    :param size: bytes
    :param sha256: of its content; not every hub tells it of small files
    :param blob: git's name of the content, which is told then
    """

    path: str
    size: int
    sha256: str | None
    blob: str | None = None


@dataclass(frozen=True)
class Listing:
    """Every file of one commit."""

    commit: str
    files: tuple[Listed, ...]


class Hub(Protocol):
    """What every hub is asked."""

    @property
    def endpoint(self) -> str:
        """Where it is."""

    def listing(self, repo: str, revision: str) -> Listing:
        """
        Return the files of a branch, tag or commit.

        :raises HubError: there is none, or none that may be read
        """

    def read(self, repo: str, commit: str, path: str) -> bytes:
        """
        Return a small file.

        :raises HubError: it does not come
        """
