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

_Host = Annotated[
    str, spelled(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "should be a name or an IPv4 address")
]
_User = Annotated[str, spelled(r"[a-z_][a-z0-9_-]*", "should be the name of a user there")]
_HostKey = Annotated[
    str,
    spelled(
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}",
        "should be kind and key, as /etc/ssh/ssh_host_ed25519_key.pub has them on the depot",
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


class Bundle(Spec):
    """
    What ``deploy/bundle.py`` made, with these weights in it.

    :param path: where the host sees it: a mount, a disk that was carried in
    :param url: where a server shows it, instead
    """

    kind: Literal["bundle"] = "bundle"
    path: RemotePath | None = None
    url: _Url | None = Field(default=None, repr=False)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if (self.path is None) == (self.url is None):
            wrong = "has path and url" if self.path else "says not where it is"
            yield Fault(path="", wrong=wrong, right="give exactly one of path, url")


class HttpFolder(Spec):
    """A folder below a URL, each file at its path: nginx, an object store."""

    kind: Literal["http folder"] = "http folder"
    url: _Url = Field(repr=False)


class Rsync(Spec):
    """
    A folder of a depot that is reached over SSH, each file at its path.

    :param path: of the folder there, or below the one that its ``rrsync`` shows
    :param host_key: the depot's, kind and key; another one is not talked to
    :param key: the private key that lets hosts in, without a passphrase; their own unless given
    """

    kind: Literal["rsync"] = "rsync"
    host: _Host
    user: _User
    path: RemotePath
    host_key: _HostKey
    port: int = Field(default=22, ge=1, le=65535)
    key: Secret | None = None


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


Source = Folder | HostFolder | Bundle | HttpFolder | Rsync | HuggingFace | ModelScope


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
