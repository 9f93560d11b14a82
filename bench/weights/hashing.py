"""
What ``verify.py`` hashes in a second beside ``sha256sum`` and beside reading alone.

1 GiB on a disk for what the disk gives, and in ``/dev/shm`` for what the processors give.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.told import spread
from roles.lab import LabError, places

TURNS = 5
FILES = 4
MIB = 256
COLUMNS = ("part", "tool", "run", "hosts", "MiB/s", "× as fast is verify.py")
_DISK = Path("/var/tmp")  # noqa: S108
_MEMORY = Path("/dev/shm")  # noqa: S108
_PYTHON = "/usr/bin/python3"
_VERIFY = str(places.REPOSITORY / "roles/hostside/verify.py")
_OURS = "verify.py"


def measured(*, hosts: int, mib: int, mbit: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to hash, from memory and from the disk."""
    for where, folder in (("memory", _MEMORY), ("disk", _DISK)):
        with TemporaryDirectory(dir=folder) as made:
            yield from _rows(where, Path(made))


def _rows(where: str, folder: Path) -> Iterator[dict[str, Any]]:
    files = _files(folder)
    job = _job(folder, files)
    cores = os.cpu_count()
    ways: dict[str, Callable[[], object]] = {
        _OURS: lambda: _verify(job),
        "sha256sum": lambda: _run("sha256sum", *map(str, files)),
        f"sha256sum, {cores} at once": lambda: _at_once("sha256sum", files),
        f"reading alone, {cores} at once": lambda: _at_once("cat", files),
    }
    turns = [{name: _rate(way, files) for name, way in ways.items()} for _ in range(1 + TURNS)][1:]
    for name in ways:
        rates = [turn[name] for turn in turns]
        yield {
            "part": "hashing",
            "tool": name,
            "run": f"from {where}",
            "hosts": 1,
            "told": spread(rates, ".0f"),
            "ratio": round(median(turn[_OURS] / turn[name] for turn in turns), 2),
            "mib_s": round(median(rates)),
        }


def _rate(way: Callable[[], object], files: list[Path]) -> float:
    """Return MiB/s, with nothing of the files in memory but where they lie in memory."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    began = perf_counter()
    way()
    return FILES * MIB / (perf_counter() - began)


def _files(folder: Path) -> list[Path]:
    files = [folder / str(number) for number in range(FILES)]
    for file in files:
        file.write_bytes(os.urandom(1 << 20) * MIB)
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return files


def _job(folder: Path, files: list[Path]) -> Path:
    """Leave a plan as a run leaves it for the job."""
    job = folder / "job"
    job.mkdir()
    pinned = [
        {
            "path": file.name,
            "size": file.stat().st_size,
            "sha256": hashlib.file_digest(file.open("rb"), "sha256").hexdigest(),
        }
        for file in files
    ]
    one = {"name": "bench", "folder": str(folder), "phase": "bench", "files": pinned}
    (job / "plan.json").write_text(json.dumps({"name": "bench", "folders": [one]}))
    return job


def _verify(job: Path) -> None:
    _run(_PYTHON, _VERIFY, str(job))
    result = json.loads((job / "result.json").read_text())
    if not result["ok"]:
        raise LabError(result["summary"])


def _at_once(command: str, files: list[Path]) -> None:
    words = ["xargs", "-n1", f"-P{os.cpu_count()}", command]
    given = "\n".join(map(str, files)).encode()
    subprocess.run(words, input=given, stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def _run(*words: str) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(words, stdout=quiet, stderr=quiet, check=True)  # noqa: S603
