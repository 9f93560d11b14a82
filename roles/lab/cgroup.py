"""A control group of the same name in every hierarchy this machine has, version 1 and 2."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from roles.lab.command import LabError, wait

ROOT = "metalserve-lab"
_CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
_CPU_PERIOD_US = 100_000
# The kernel gives a group as much as one process beside it: all labs of a busy machine next to
# nothing. Together they count as much as so many.
_AS_PROCESSES = 16
_WEIGHTS = {1: ("cpu.shares", 1024), 2: ("cpu.weight", 100)}


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy and the controllers it limits by."""

    top: Path
    version: int
    controllers: frozenset[str]


@cache
def hierarchies() -> tuple[Hierarchy, ...]:
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, top, kind, options, *_ = line.split()
        if kind == "cgroup":
            found.append(Hierarchy(Path(top), 1, frozenset(options.split(","))))
        elif kind == "cgroup2":
            names = Path(top, "cgroup.controllers").read_text().split()
            found.append(Hierarchy(Path(top), 2, frozenset(names)))
    if not found:
        raise LabError("/sys/fs/cgroup: no control groups are mounted, a lab host needs them")
    return tuple(found)


@dataclass(frozen=True)
class Group:
    """The group ``metalserve-lab/<name>`` of every hierarchy."""

    name: str

    @property
    def exists(self) -> bool:
        return bool(self.folders())

    def create(self) -> None:
        for hierarchy in hierarchies():
            folder = hierarchy.top
            for part in (ROOT, *self.name.split("/")):
                _delegate(hierarchy, folder)
                folder = folder / part
                folder.mkdir(exist_ok=True)
                if part == ROOT:
                    _weigh(hierarchy, folder)
                if hierarchy.version == 1 and "cpuset" in hierarchy.controllers:
                    _inherit_cpuset(folder)

    def share(self) -> None:
        """Let groups below this one have limits of their own, and leave none there."""
        for hierarchy, folder in self._folders():
            _remove_below(folder)
            _delegate(hierarchy, folder)

    def folders(self) -> list[Path]:
        return [folder for _, folder in self._folders()]

    def doors(self) -> list[Path]:
        """Files through which a process enters: it writes 0 to each."""
        return [folder / "cgroup.procs" for folder in self.folders()]

    def members(self) -> set[int]:
        """Every process of the group and of the groups below it."""
        pids: set[int] = set()
        for folder in self.folders():
            # A group may go while it is being read.
            for path, _, _ in os.walk(folder):
                with contextlib.suppress(OSError):
                    pids.update(int(pid) for pid in Path(path, "cgroup.procs").read_text().split())
        return pids

    def kill(self) -> None:
        """Leave no process in the group."""

        def emptied() -> bool:
            left = self.members()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        if not wait(emptied, within_s=120):
            raise LabError(
                f"{ROOT}/{self.name}: processes {sorted(self.members())} cannot be killed"
            )

    def remove(self) -> None:
        """Leave no group behind, nor the lab's top one when it is the last."""

        def removed() -> bool:
            for folder in self.folders():
                _remove_below(folder)
                with contextlib.suppress(OSError):
                    folder.rmdir()
            return not self.exists

        # The kernel lets go of a dead process's group a moment after the process.
        if not wait(removed, within_s=120):
            raise LabError(f"{ROOT}/{self.name}: still in use, what runs in it has to end first")
        for hierarchy in hierarchies():
            with contextlib.suppress(OSError):
                (hierarchy.top / ROOT).rmdir()

    def limit_memory(self, mib: int) -> None:
        # Without this, a machine with swap would push a hog there and never kill it.
        self._set("memory", {1: ("memory.swappiness", "0"), 2: ("memory.swap.max", "0")})
        size = str(mib * 1024 * 1024)
        self._set("memory", {1: ("memory.limit_in_bytes", size), 2: ("memory.max", size)})

    def limit_cpu(self, percent: int) -> None:
        quota = str(_CPU_PERIOD_US * percent // 100)
        self._set(
            "cpu", {1: ("cpu.cfs_quota_us", quota), 2: ("cpu.max", f"{quota} {_CPU_PERIOD_US}")}
        )

    def unlimit(self) -> None:
        self._set("memory", {1: ("memory.limit_in_bytes", "-1"), 2: ("memory.max", "max")})
        self._set("memory", {1: ("memory.swappiness", "60"), 2: ("memory.swap.max", "max")})
        self._set("cpu", {1: ("cpu.cfs_quota_us", "-1"), 2: ("cpu.max", "max")})

    def _folders(self) -> Iterator[tuple[Hierarchy, Path]]:
        for hierarchy in hierarchies():
            folder = hierarchy.top / ROOT / self.name
            if folder.is_dir():
                yield hierarchy, folder

    def _set(self, controller: str, files: dict[int, tuple[str, str]]) -> None:
        for hierarchy, folder in self._folders():
            name, value = files[hierarchy.version]
            if controller in hierarchy.controllers and (folder / name).exists():
                try:
                    (folder / name).write_text(value)
                except OSError as error:
                    raise LabError(
                        f"{folder / name}: {value} was refused, {error.strerror}"
                    ) from error


def _delegate(hierarchy: Hierarchy, folder: Path) -> None:
    if hierarchy.version == 2:
        for name in sorted(hierarchy.controllers.intersection(_CONTROLLERS)):
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{name}")


def _weigh(hierarchy: Hierarchy, folder: Path) -> None:
    name, one = _WEIGHTS[hierarchy.version]
    if "cpu" in hierarchy.controllers and (folder / name).exists():
        (folder / name).write_text(str(_AS_PROCESSES * one))


def _remove_below(folder: Path) -> None:
    for path, _, _ in os.walk(folder, topdown=False):
        if Path(path) != folder:
            with contextlib.suppress(OSError):
                Path(path).rmdir()


def _inherit_cpuset(folder: Path) -> None:
    # Groups made below this one then have what it has.
    (folder / "cgroup.clone_children").write_text("1")
    # Version 1 refuses every process until both are set.
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / name).read_text().strip():
            (folder / name).write_text((folder.parent / name).read_text())
