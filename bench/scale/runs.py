"""A run over many hosts that are not there: its time, memory and open files, from outside."""

import contextlib
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple

from bench import venvs
from roles.lab import LabError, places

_OURS, _PLAIN = "deploy/main.py", "bench/plain/deploy.py"
_EVERY_S = 0.05


class Run(NamedTuple):
    """A run to measure: by which tool, what for, over hosts in which state."""

    tool: str
    run: str
    state: str
    words: tuple[str, ...]


RUNS = (
    Run("pyinfra", "no-change", "converged", ("-y", _PLAIN)),
    Run("pyinfra", "plan", "converged", ("--dry", "--json", _PLAIN)),
    Run("metalserve", "no-change", "converged", ("-y", _OURS)),
    Run("metalserve", "plan", "bare", ("--dry", "--json", _OURS)),
    Run("metalserve", "first", "bare", ("-y", _OURS)),
)


class Measured(NamedTuple):
    """What a run took; instances are those of each host, CPU is of user and system."""

    tool: str
    run: str
    hosts: int
    instances: int
    sharing: str
    wall_s: float
    cpu_s: float
    peak_mib: float
    open_files: int


def measured(run: Run, hosts: int, instances: int, sharing: str) -> Measured:
    """Run pyinfra over as many hosts, and look at it from outside."""
    known = {
        "METALSERVE_CROWD": f"{hosts} {instances} {run.state} {sharing}",
        "METALSERVE_API_KEY": "a-key-of-hosts-that-are-not-there",
        "PYINFRA_PROGRESS": "off",
    }
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
        # Made before anything is timed.
        pyinfra = venvs.pyinfra()
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            [pyinfra, "--data", f"reports={folder}", "bench/scale/crowd.py", *run.words],
            cwd=places.REPOSITORY,
            env=os.environ | known,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        files, code, used = _watched(process.pid)
        process.returncode = code
        took = time.monotonic() - began
        if code:
            raise LabError(f"{run.tool}, {run.run}, {hosts} hosts: failed:\n{_end(said)}")
    return Measured(
        tool=run.tool,
        run=run.run,
        hosts=hosts,
        instances=instances,
        sharing=sharing,
        wall_s=round(took, 2),
        cpu_s=round(used.ru_utime + used.ru_stime, 2),
        peak_mib=round(used.ru_maxrss / 1024, 1),
        open_files=files,
    )


def _watched(pid: int) -> tuple[int, int, resource.struct_rusage]:
    """Return how many files a process had open at most, its exit code, and what it used."""
    most = 0
    while True:
        with contextlib.suppress(FileNotFoundError):
            most = max(most, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            return most, os.waitstatus_to_exitcode(status), used
        time.sleep(_EVERY_S)


def _end(said: IO[str]) -> str:
    said.seek(0)
    return "".join(said.readlines()[-20:])
