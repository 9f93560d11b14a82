"""
What a program and all that it starts take: seconds, CPU seconds, memory.

They are in control groups of their own, so that what leaves its parents, as ssh's masters do,
counts too. CPU is the group's own account. Memory is what is anonymous in all of them together,
looked at every 20 ms: files in the kernel's cache do not count, nor twice what processes share.

They and the lab's hosts, which have the same cores, each have as much of them when both want all:
hosts elsewhere would take nothing from who runs a tool, be that one process or a hundred.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from roles.lab import LabError
from roles.lab.cgroup import ROOT, hierarchies
from roles.lab.command import wait

_EVERY_S = 0.02
_MIB = 1024 * 1024
_ENTER = 'for door in $1; do echo 0 >"$door" || exit 125; done; shift; exec "$@"'


@dataclass(frozen=True)
class Measured:
    """What a program took, and what it said."""

    code: int
    out: str
    err: str
    wall_s: float
    cpu_s: float
    peak_mib: float


def measured(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, within_s: float = 1800
) -> Measured:
    """Run a program to its end, in a folder, and look at it from outside."""
    with _group() as folders, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        doors = " ".join(str(one / "cgroup.procs") for one in folders)
        sampler = _Sampler(folders)
        sampler.start()
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            ["sh", "-c", _ENTER, "sh", doors, *words],  # noqa: S607
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            ended = _ended(process, within_s)
        finally:
            took = time.perf_counter() - began
            peak = sampler.stop()
            used = _cpu_s(folders)
        if not ended:
            process.kill()
        code = process.wait()
        if not ended:
            raise LabError(f"{words[0]}: no end after {within_s:g} s")
        for said in (out, err):
            said.seek(0)
        return Measured(code, out.read(), err.read(), took, used, peak / _MIB)


def _ended(process: "subprocess.Popen[bytes]", within_s: float) -> bool:
    """Wait for a program's end. ``subprocess`` looks for it now and then, up to 50 ms later."""
    descriptor = os.pidfd_open(process.pid)
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


class _Sampler(threading.Thread):
    def __init__(self, folders: list[Path]) -> None:
        super().__init__(daemon=True)
        self._folders, self._peak, self._ended = folders, 0, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._peak = max(self._peak, _anonymous(self._folders))

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self._peak


@contextlib.contextmanager
def _group() -> Iterator[list[Path]]:
    """A new group in every hierarchy that counts something, and nothing of it afterwards."""
    folders = []
    for hierarchy in hierarchies():
        if hierarchy.controllers & {"cpu", "cpuacct", "memory"}:
            if hierarchy.version == 2:
                (hierarchy.top / "cgroup.subtree_control").write_text("+cpu +memory")
            folders.append(hierarchy.top / f"metalserve-bench-{os.getpid()}")
            folders[-1].mkdir()
            _weigh(folders[-1], hierarchy.top / ROOT)
    try:
        yield folders
    finally:
        if not wait(lambda: _emptied(folders), within_s=30):
            raise LabError(f"{folders[0]}: processes of a run do not end")
        for folder in folders:
            wait(partial(_removed, folder), within_s=30)


def _weigh(folder: Path, like: Path) -> None:
    """Give a group as much of the processors as another has."""
    for name in ("cpu.shares", "cpu.weight"):
        if (folder / name).exists() and (like / name).exists():
            (folder / name).write_text((like / name).read_text())


def _emptied(folders: list[Path]) -> bool:
    pids = {int(pid) for folder in folders for pid in (folder / "cgroup.procs").read_text().split()}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not pids


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _anonymous(folders: list[Path]) -> int:
    """Return the bytes of anonymous memory."""
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            for line in (folder / "memory.stat").read_text().splitlines():
                name, _, value = line.partition(" ")
                if name in ("rss", "anon"):
                    return int(value)
    return 0


def _cpu_s(folders: list[Path]) -> float:
    for folder in folders:
        if (folder / "cpuacct.usage").exists():
            return int((folder / "cpuacct.usage").read_text()) / 1e9
    for folder in folders:
        if (folder / "cpu.stat").exists():
            told = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
            return int(told["usage_usec"]) / 1e6
    raise LabError("/sys/fs/cgroup: no hierarchy counts CPU time")
