"""Sources: where the files of a model come from. The manifest says which files they have to be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from roles.spec.base import Fault, RemotePath, Spec, spelled
from roles.spec.secret import Secret

_Url = Annotated[
    str, spelled(r"https?://[^@\s?#]+", "should be an http or https URL without a password")
]
_Repo = Annotated[
    str,
    spelled(
        r"[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*",
        "should be owner/name, of letters, digits, . _ and -",
    ),
]
_Commit = Annotated[
    str,
    spelled(
        r"[0-9a-f]{40}",
        "should be a commit of 40 hexadecimal digits, which deploy/pin.py finds for a branch",
    ),
]


class Folder(Spec):
    """A folder on the control machine: for models of a few MB, they travel over SSH."""

    kind: Literal["folder"] = "folder"
    path: Path

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if not self.path.is_dir():
            yield Fault(
                path="path", wrong=f"{self.path} is no folder", right="name one on this machine"
            )


class HostFolder(Spec):
    """A folder that the host itself sees: a mount, a disk that was carried in."""

    kind: Literal["host folder"] = "host folder"
    path: RemotePath


class HttpFolder(Spec):
    """A folder below a URL, each file at its path: nginx, an object store."""

    kind: Literal["http folder"] = "http folder"
    url: _Url = Field(repr=False)


class HuggingFace(Spec):
    """
    A revision on Hugging Face, or on a mirror that speaks as it does.

    :param revision: the commit; a branch would name other files tomorrow
    :param endpoint: of the hub or its mirror
    :param token: for a private or gated repository; it may read, and no more
    """

    kind: Literal["huggingface"] = "huggingface"
    repo: _Repo
    revision: _Commit
    endpoint: _Url = Field(default="https://huggingface.co", repr=False)
    token: Secret | None = None


class ModelScope(Spec):
    """A revision on ModelScope; see ``HuggingFace``."""

    kind: Literal["modelscope"] = "modelscope"
    repo: _Repo
    revision: _Commit
    endpoint: _Url = Field(default="https://modelscope.cn", repr=False)
    token: Secret | None = None


Source = Folder | HostFolder | HttpFolder | HuggingFace | ModelScope


def in_order(sources: tuple[Source, ...]) -> Iterator[Fault]:
    """What is wrong with sources that are asked one after the other."""
    if not sources:
        yield Fault(path="sources", wrong="is empty", right="name one at least")
    if any(isinstance(source, Folder) for source in sources[1:]):
        yield Fault(
            path="sources",
            wrong="has a Folder behind another source",
            right="name it first and once, its files travel before any source is asked",
        )
