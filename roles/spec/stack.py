"""A stack: one pinned engine and all that lies below it."""

import functools
import hashlib
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat

from roles.spec.base import Fault, Name, Spec, digest, spelled


class Accelerator(StrEnum):
    """What computes."""

    CUDA = "cuda"
    ASCEND = "ascend"
    CPU = "cpu"
    """No accelerator: for trying things out, slowly."""


class Engine(StrEnum):
    """The server software."""

    VLLM = "vllm"


_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[.*\])?\s*(==|@)")
_Version = Annotated[
    str, spelled(r"\d+(\.\w+)+", "should be a version with all its numbers, as in 0.32.0")
]
_Minor = Annotated[str, spelled(r"3\.\d+", "should be a minor version of Python, as in 3.12")]
_OsPackage = Annotated[
    str, spelled(r"[a-z0-9][a-z0-9.+-]+", "should be the name of a Debian package")
]
_Driver = Annotated[str, spelled(r"\d+(\.\d+)+", "should be a version, as in 580.65.06")]


class Lock(Spec):
    """
    Every package of a stack with its hash, as ``uv pip compile --generate-hashes`` writes it.

    :param file: on the control machine; its text, not its place, is part of the stack's digest
    """

    file: Path

    @property
    def text(self) -> str:
        """The lock itself."""
        return self.file.read_text()

    @property
    def sha256(self) -> str:
        """Digest of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if not self.file.is_file():
            yield Fault(path="file", wrong=f"{self.file} does not exist", right="name a lock file")
            return
        status = self.file.stat()
        yield from _lock_faults(self.file, status.st_mtime_ns, status.st_size)


class Stack(Spec):
    """
    One pinned engine. Its name is on disks and in people's heads: never edit a stack that was
    deployed, add one.

    :param version: the engine's own
    :param python: minor version of the interpreter that the lock was made for
    :param command: words after the stack's ``python`` that start the server
    :param disk_gib: what it takes on a host, measured
    :param os_packages: what it needs of the distribution, by Debian's names
    :param driver: the oldest driver that runs it (CUDA)
    """

    name: Name
    engine: Engine
    accelerator: Accelerator
    version: _Version
    python: _Minor
    command: tuple[str, ...] = Field(min_length=1)
    lock: Lock
    disk_gib: PositiveFloat
    driver: _Driver | None = None
    os_packages: tuple[_OsPackage, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of everything that ends up in the stack's folder."""
        return digest({"name": self.name, "python": self.python, "lock": self.lock.sha256})

    @property
    def folder(self) -> str:
        """The name of its folder on a host."""
        return f"{self.name}-{self.digest[:12]}"

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


@functools.lru_cache
def _lock_faults(file: Path, _changed_ns: int, _size: int) -> tuple[Fault, ...]:
    """What is wrong in a lock; a fleet asks about the same few thousand lines for every host."""
    faults = []

    def add(wrong: str, right: str) -> None:
        faults.append(Fault(path="file", wrong=wrong, right=right))

    requirements = 0
    for line in file.read_text().replace("\\\n", " ").splitlines():
        package = line.split("--hash")[0].strip()
        if not package or package.startswith("#"):
            continue
        if package.startswith("-"):
            option = package.replace("=", " ").split()[0]
            add(f"{file.name} sets {option}", "hosts have their own, leave it out of the lock")
            continue
        requirements += 1
        if "--hash=sha256:" not in line:
            right = "make the lock with uv pip compile --generate-hashes"
            add(f"{package} in {file.name} has no hash", right)
        elif not _REQUIREMENT.match(package):
            add(f"{package} in {file.name} is not pinned", "pin it with ==")
    if not requirements:
        add(f"{file.name} pins nothing", "lock at least the engine")
    return tuple(faults)
