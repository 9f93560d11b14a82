"""A stack: one pinned engine and all that lies below it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PositiveFloat

from roles.spec.archive import Archive
from roles.spec.base import Fault, Name, OsPackage, Spec, a, digest, spelled
from roles.spec.image import Image
from roles.spec.installer import Installer, InstallerKind
from roles.spec.lock import Arch, Lock


class Accelerator(StrEnum):
    """What computes."""

    CUDA = "cuda"
    ASCEND = "ascend"
    CPU = "cpu"
    """No accelerator: for trying things out, slowly."""


class Engine(StrEnum):
    """The server software."""

    VLLM = "vllm"
    VLLM_ASCEND = "vllm-ascend"
    LMDEPLOY = "lmdeploy"
    MINDIE = "mindie"
    OLLAMA = "ollama"


_Version = Annotated[
    str, spelled(r"\d+(\.\w+)+", "should be a version with all its numbers, as in 0.32.0")
]
_Minor = Annotated[str, spelled(r"(3\.\d+)?", "should be a minor version of Python, as in 3.12")]
_Advisory = Annotated[
    str,
    spelled(
        r"CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}", "should be an advisory, as in CVE-2026-22778"
    ),
]
_Driver = Annotated[str, spelled(r"\d+(\.\d+)+", "should be a version, as in 580.65.06")]


class Accepted(Spec):
    """
    A known advisory that a plan lives with.

    :param reason: why that is right here, for whoever reads it later
    """

    advisory: _Advisory
    reason: str = Field(min_length=10)


class Stack(Spec):
    """
    One pinned engine. Its name is on disks and in people's heads: never edit a stack that was
    deployed, add one.

    :param version: the engine's own
    :param python: minor version of the interpreter that the lock was made for; none for an archive
    :param command: words after the stack's ``python`` that start the server; for an archive the
        program in it and its words
    :param lock: what pins it: every package with its hash, the one archive that the engine comes
        as, or a container image
    :param disk_gib: what it takes on a host, measured
    :param os_packages: what it needs of the distribution, by Debian's names
    :param driver: the oldest driver that runs it (CUDA)
    """

    name: Name
    engine: Engine
    accelerator: Accelerator
    version: _Version
    python: _Minor = ""
    command: tuple[str, ...] = Field(min_length=1)
    lock: Lock | Archive | Image
    disk_gib: PositiveFloat
    driver: _Driver | None = None
    os_packages: tuple[OsPackage, ...] = ()
    installers: tuple[Installer, ...] = ()
    accepts: tuple[Accepted, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of everything that the stack is made of."""
        made_of: dict[str, object] = {
            "name": self.name, "python": self.python, "lock": self.lock.sha256,
        }  # fmt: skip
        if self.installers:
            made_of["installers"] = [one.sha256 for one in self.installers]
        return digest(made_of)

    @property
    def folder(self) -> str:
        """The name of its folder on a host."""
        return f"{self.name}-{self.digest[:12]}"

    @property
    def arch(self) -> Arch:
        """The machine that it is for; archives and images are for x86_64 alone."""
        return self.lock.arch if isinstance(self.lock, Lock) else "x86_64"

    @property
    def unit(self) -> str:
        """What its units are called; those of containers are others."""
        return f"{self.engine}-compose" if isinstance(self.lock, Image) else str(self.engine)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.accelerator is Accelerator.CUDA and self.driver is None:
            yield Fault(
                path="driver",
                wrong="is missing from a cuda stack",
                right="give the oldest driver that runs it, as in 580.65.06",
            )
        if self.accelerator is not Accelerator.CUDA and self.driver is not None:
            yield Fault(
                path="driver",
                wrong=f"is given to a stack for {self.accelerator}",
                right="leave it out, only cuda stacks have a driver floor",
            )
        yield from self._pinned()
        yield from self._installers()

    def installer(self, kind: InstallerKind) -> Installer | None:
        """Return the installer of one kind, if the stack has it."""
        return next((one for one in self.installers if one.about.kind is kind), None)

    def _pinned(self) -> Iterator[Fault]:
        """By a lock of packages for a Python, by an archive, or by an image."""
        if (self.engine is Engine.OLLAMA) is not isinstance(self.lock, Archive):
            yield Fault(
                path="lock",
                wrong=f"is {a(type(self.lock).__name__)} of {self.engine}",
                right="ollama comes as an Archive, and no other engine does",
            )
        if isinstance(self.lock, Image) and self.engine is not Engine.LMDEPLOY:
            yield Fault(
                path="lock",
                wrong=f"is an image of {self.engine}",
                right="give a Lock, only lmdeploy is started in a container",
            )
        if isinstance(self.lock, Lock) and not self.python:
            yield Fault(
                path="python",
                wrong="is missing beside a lock",
                right="give the minor version that it was made for, as in 3.12",
            )
        if isinstance(self.lock, Archive):
            for package in self.lock.unpackers:
                if package not in self.os_packages:
                    yield Fault(
                        path="os_packages",
                        wrong=f"is without {package}, which unpacks {self.lock.file}",
                        right="add it",
                    )

    def _installers(self) -> Iterator[Fault]:
        if self.installers and self.accelerator is not Accelerator.ASCEND:
            yield Fault(
                path="installers",
                wrong=f"is given to a stack for {self.accelerator}",
                right="leave it out, only ascend stacks are made of installers",
            )
            return
        kinds = [one.about.kind for one in self.installers]
        for installer, kind in zip(self.installers, kinds, strict=True):
            if kind not in _ON_CANN:
                yield Fault(
                    path=f"installers/{installer.file}",
                    wrong=f"is {kind}, which belongs to the host",
                    right="name it in the host's driver",
                )
            elif kinds.count(kind) > 1:
                yield Fault(
                    path=f"installers/{installer.file}",
                    wrong=f"is one of {kinds.count(kind)} of {kind}",
                    right="give one",
                )
        versions = {one.about.version for one in self.installers if one.about.kind in _OF_CANN}
        if len(versions) > 1:
            yield Fault(
                path="installers",
                wrong=f"mixes CANN {' and '.join(sorted(versions))}",
                right="take toolkit, kernels or ops, and NNAL from one version",
            )
        if kinds and InstallerKind.TOOLKIT not in kinds:
            yield Fault(
                path="installers",
                wrong="has no toolkit",
                right="add Ascend-cann-toolkit, all others need it",
            )


_OF_CANN = (
    InstallerKind.TOOLKIT, InstallerKind.KERNELS, InstallerKind.OPS, InstallerKind.NNAL,
)  # fmt: skip
_ON_CANN = (*_OF_CANN, InstallerKind.MINDIE, InstallerKind.ATB_MODELS)
