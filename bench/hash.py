"""
What ``verify.py`` hashes in a second beside ``sha256sum`` and beside reading alone, as a table.

``bin/bench hash [FOLDER]`` in about two minutes; 1 GiB in FOLDER (``/var/tmp`` unless given)
for what the disk gives, and in ``/dev/shm`` for what the processors give.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.told import machine, spread
from roles.lab import places

TURNS = 5
FILES = 4
MIB = 256
_PYTHON = "/usr/bin/python3"
_VERIFY = str(places.REPOSITORY / "roles/hostside/verify.py")


def main() -> None:
    """Print the table as Markdown."""
    disk = Path(sys.argv[1] if len(sys.argv) > 1 else "/var/tmp")  # noqa: S108
    print(machine())
    print(f"{FILES} files of {MIB} MiB; {TURNS} turns, median (minimum–maximum) of MiB/s.\n")
    print("| from | `verify.py` | beside | its MiB/s | ratio |\n|---|---|---|---|---|")
    for where, folder in (("memory", Path("/dev/shm")), ("disk", disk)):  # noqa: S108
        with TemporaryDirectory(dir=folder) as made:
            for row in _rows(where, Path(made)):
                print(row, flush=True)


def _rows(where: str, folder: Path) -> Iterator[str]:
    files = _files(folder)
    job = _job(folder, files)
    ways: dict[str, Callable[[], object]] = {
        "verify.py": lambda: _verify(job),
        "`sha256sum`": lambda: _run("sha256sum", *map(str, files)),
        f"`sha256sum`, {os.cpu_count()} at once": lambda: _at_once("sha256sum", files),
        f"reading alone, {os.cpu_count()} at once": lambda: _at_once("cat", files),
    }
    turns = [{name: _rate(way, files) for name, way in ways.items()} for _ in range(1 + TURNS)][1:]
    ours = [turn["verify.py"] for turn in turns]
    for name in list(ways)[1:]:
        theirs = [turn[name] for turn in turns]
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        columns = (where, spread(ours, ".0f"), name, spread(theirs, ".0f"))
        yield f"| {' | '.join(columns)} | {median(ratios):.2f} |"


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
        raise SystemExit(result["summary"])


def _at_once(command: str, files: list[Path]) -> None:
    words = ["xargs", "-n1", f"-P{os.cpu_count()}", command]
    given = "\n".join(map(str, files)).encode()
    subprocess.run(words, input=given, stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def _run(*words: str) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(words, stdout=quiet, stderr=quiet, check=True)  # noqa: S603


if __name__ == "__main__":
    main()
