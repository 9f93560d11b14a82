"""What pins a stack's packages."""

import functools
import hashlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from roles.spec.base import Fault, Spec, spelled

_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[.*\])?\s*(==|@)")

Arch = Literal["x86_64", "aarch64"]

_Glibc = Annotated[str, spelled(r"2\.\d+", "should be a version of glibc, as in 2.31")]


class Lock(Spec):
    """
    Every package of a stack with its hash, as ``deploy/lock.py`` makes it from the ``.in`` beside
    it.

    :param file: on the control machine; its text, not its place, is part of the stack's digest
    :param arch: the machine that it is made for, as ``uname -m`` says it there
    :param glibc: the oldest that every wheel of it runs on
    :param as_of: what the index got after that day is not in it; an index without upload times
        cannot be asked then
    """

    file: Path
    arch: Arch = "x86_64"
    glibc: _Glibc | None = None
    as_of: date | None = None

    @property
    def source(self) -> Path:
        """What was asked for, beside it."""
        return self.file.with_suffix(".in")

    @property
    def overrides(self) -> Path:
        """What replaces wishes of the packages themselves, beside it; not every lock has one."""
        return self.file.with_suffix(".overrides.txt")

    @property
    def text(self) -> str:
        """The lock itself."""
        return self.file.read_text()

    @property
    def sha256(self) -> str:
        """Digest of the text."""
        status = self.file.stat()
        return _sha256(self.file, status.st_mtime_ns, status.st_size)

    @property
    def pins(self) -> dict[str, str]:
        """Version of each package, by its name in lower case with dashes."""
        status = self.file.stat()
        return _pins(self.file, status.st_mtime_ns, status.st_size)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if not self.file.is_file():
            yield Fault(path="file", wrong=f"{self.file} does not exist", right="name a lock file")
            return
        status = self.file.stat()
        yield from _lock_faults(self.file, status.st_mtime_ns, status.st_size)


@functools.lru_cache
def _sha256(file: Path, _changed_ns: int, _size: int) -> str:
    """Read once, as the same lock is asked about for every host of a fleet."""
    return hashlib.sha256(file.read_text().encode()).hexdigest()


@functools.lru_cache
def _pins(file: Path, _changed_ns: int, _size: int) -> dict[str, str]:
    rows = (
        line.split()[0].partition("==") for line in file.read_text().splitlines() if "==" in line
    )
    return {re.sub(r"[-_.]+", "-", name.split("[")[0]).lower(): v for name, _, v in rows}


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
