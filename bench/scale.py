"""
Time, memory and open files of a run over many hosts that are not there, beside plain pyinfra.

``.venv/bin/python -m bench.scale [--hosts 1 10 100 300 1000] [--distinct] [--json]``
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from bench.told import machine

_ROOT = Path(__file__).parents[1]
_OURS, _PLAIN = "deploy/main.py", "bench/plain/deploy.py"
_EVERY_S = 0.05


class Run(NamedTuple):
    """A run to measure: by which tool, what for, over hosts in which state."""

    tool: str
    run: str
    state: str
    words: tuple[str, ...]


_RUNS = (
    Run("pyinfra", "no-change", "converged", ("-y", _PLAIN)),
    Run("pyinfra", "plan", "converged", ("--dry", "--json", _PLAIN)),
    Run("metalserve", "no-change", "converged", ("-y", _OURS)),
    Run("metalserve", "plan", "bare", ("--dry", "--json", _OURS)),
    Run("metalserve", "first", "bare", ("-y", _OURS)),
)
_HEAD = (
    "| hosts | run | tool | CPU, s | a host, ms | × pyinfra | wall, s | peak, MiB | open files |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


class Measured(NamedTuple):
    """What a run took; CPU is of user and system."""

    tool: str
    run: str
    hosts: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    open_files: int


def main(argv: list[str]) -> int:
    """Print the table as Markdown, or each row as JSON, as soon as it was measured."""
    words = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    words.add_argument("--hosts", type=int, nargs="+", default=[1, 10, 100, 300, 1000])
    words.add_argument("--runs", nargs="+", default=["no-change", "plan", "first"])
    words.add_argument("--distinct", action="store_true", help="give each host a spec of its own")
    words.add_argument("--json", action="store_true", help="an object a row")
    asked = words.parse_args(argv)
    if not asked.json:
        print(f"{machine()}\n\n{_HEAD}", flush=True)
    plain: dict[tuple[int, str], float] = {}
    for row in _rows(asked.hosts, asked.runs, "distinct" if asked.distinct else "shared"):
        plain.setdefault((row.hosts, row.run), row.cpu_s)
        print(json.dumps(row._asdict()) if asked.json else _line(row, plain), flush=True)
    return 0


def _rows(counts: list[int], runs: list[str], sharing: str) -> Iterator[Measured]:
    for count in counts:
        for run in _RUNS:
            if run.run in runs:
                yield _measured(run, count, sharing)


def _line(row: Measured, plain: dict[tuple[int, str], float]) -> str:
    compared = row.tool != "pyinfra" and row.run != "first"
    ratio = f"{row.cpu_s / plain[row.hosts, row.run]:.2f}" if compared else ""
    columns = (
        *(row.hosts, row.run, row.tool, f"{row.cpu_s:.1f}", f"{1000 * row.cpu_s / row.hosts:.0f}"),
        *(ratio, f"{row.wall_s:.1f}", f"{row.peak_mib:.0f}", row.open_files),
    )
    return "| " + " | ".join(map(str, columns)) + " |"


def _measured(run: Run, count: int, sharing: str) -> Measured:
    """Run pyinfra over as many hosts, and look at it from outside."""
    known = {
        "METALSERVE_CROWD": f"{count} {run.state} {sharing}",
        "METALSERVE_API_KEY": "a-key-of-hosts-that-are-not-there",
        "PYINFRA_PROGRESS": "off",
    }
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
        pyinfra = str(Path(sys.executable).with_name("pyinfra"))
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            [pyinfra, "--data", f"reports={folder}", "bench/crowd.py", *run.words],
            cwd=_ROOT,
            env=os.environ | known,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        files, code, used = _watched(process.pid)
        process.returncode = code
        took = time.monotonic() - began
        if code:
            raise SystemExit(f"{run.tool} {run.run} of {count} hosts failed:\n{_end(said)}")
    return Measured(
        tool=run.tool,
        run=run.run,
        hosts=count,
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
