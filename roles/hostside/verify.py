"""
Hash every file of the weights on this host again and name each that is wrong.

The plan of the job: ``{"name", "folders": [{"name", "folder", "phase", "files": [{"path", "size",
"sha256"}]}]}``; in the place of files, what was made on this host has ``"kept"``, the phase whose
receipt knows them. A file with several names is read once, from the disk: what memory holds of it
is let go before and after, so that a damaged disk is found and what serves keeps its memory. A
folder with a wrong file loses the receipt of its phase, so that the next ``stage.py`` mends it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import subprocess
import threading
import time
from typing import Any, Dict, Iterator, List, Tuple

import jobs
import places
import progress
import receipts

# Threads: hashlib lets the others run, and processes were measured to be no faster.
_AT_ONCE = 8
_BLOCK = 1024 * 1024
_LET_GO_EVERY = 64 * _BLOCK
_Inode = Tuple[int, int]


class VerifyError(jobs.JobError):
    """Not everything is as pinned, or it could not be looked at."""


class Verify:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.folders = [with_files(folder) for folder in plan["folders"]]
        self.progress = say
        self.alone = threading.Lock()
        self.done = self.total = 0

    def run(self) -> str:
        """
        Return how many bytes were right.

        :raises VerifyError: with a line for each file that is wrong
        """
        self.refuse_unfinished()
        began = time.monotonic()
        files = self.readable()
        self.total = sum(size for _, size in files.values())
        found = self.hash(files)
        wrong = {
            folder["phase"]: lines
            for folder in self.folders
            for lines in [list(faults(folder, found))]
            if lines
        }
        if wrong:
            raise VerifyError(self.told(wrong))
        took = time.monotonic() - began
        return "{} in {} are as pinned: {} hashed in {}, {}/s".format(
            _many(sum(len(folder["files"]) for folder in self.folders), "file"),
            _many(len(self.folders), "folder"),
            progress.size(self.total),
            progress.duration(took),
            progress.size(self.total / took if took else 0),
        )

    def refuse_unfinished(self) -> None:
        """Refuse to judge files that a job is bringing."""
        for folder in self.folders:
            if jobs.active(folder["phase"]):
                raise VerifyError(
                    "{} is at work on {}; run again when it has ended".format(
                        jobs.unit(folder["phase"]), folder["folder"]
                    )
                )

    def readable(self) -> Dict[_Inode, Tuple[str, int]]:
        """Return path and size of every file worth reading: one of another size is wrong."""
        found = {}
        for folder in self.folders:
            for file in folder["files"]:
                path = folder["folder"] + "/" + file["path"]
                with contextlib.suppress(OSError):
                    seen = os.stat(path)
                    if seen.st_size == file["size"]:
                        found[seen.st_dev, seen.st_ino] = path, seen.st_size
        return found

    def hash(self, files: Dict[_Inode, Tuple[str, int]]) -> Dict[_Inode, str]:
        """Return what was found in each file: its sha256, or why it cannot be read."""
        # The largest first, so that no large one is left for the end alone.
        order = sorted(files, key=lambda inode: -files[inode][1])
        with concurrent.futures.ThreadPoolExecutor(_workers()) as threads:
            hashed = threads.map(lambda inode: self.look(files[inode][0]), order)
            return dict(zip(order, hashed))

    def look(self, path: str) -> str:
        """Return the sha256 of a file as the disk has it, or why it cannot be read."""
        try:
            return sha256(path, self.count)
        except OSError as error:
            return "cannot be read ({})".format(error.strerror)

    def count(self, count: int) -> None:
        """Tell that so many bytes more were read."""
        with self.alone:
            self.done += count
            self.progress.say("hashing", self.done, self.total)

    def told(self, wrong: Dict[str, List[str]]) -> str:
        """Drop the receipts of what is wrong; return what an operator has to know."""
        for phase in wrong:
            with contextlib.suppress(FileNotFoundError):
                os.unlink("{}/{}.json".format(places.receipts(), phase))
        lines = [line for lines in wrong.values() for line in lines]
        return (
            "{} wrong:\n{}\nnothing that serves was touched, and it may have loaded these files; "
            "their folders count as incomplete now: deploy/stage.py brings what is wrong again, "
            "restart what serves from it after that; should it come back, look at the disk "
            "(journalctl -k)".format(
                "1 file is" if len(lines) == 1 else "{} files are".format(len(lines)),
                "\n".join(lines),
            )
        )


def sha256(path: str, tell: Any) -> str:
    """Return the sha256 of a file, telling of the bytes that were read."""
    digest, block, read = hashlib.sha256(), memoryview(bytearray(_BLOCK)), 0
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while True:
            count = file.readinto(block)
            digest.update(block[:count])
            read += count or 0
            tell(count)
            if not count or read % _LET_GO_EVERY == 0:
                os.posix_fadvise(file.fileno(), 0, read, os.POSIX_FADV_DONTNEED)
            if not count:
                return digest.hexdigest()


def with_files(folder: Any) -> Any:
    """Return a folder of the plan with its files, those of a receipt where that alone has them."""
    if "files" in folder:
        return folder
    return dict(folder, files=receipts.files(folder["kept"]) or [])


def faults(folder: Any, found: Dict[_Inode, str]) -> Iterator[str]:
    """Yield a line for each file of a folder that is not as pinned."""
    if not folder["files"]:
        yield "{}: found no receipt of {}, wanted the sha256 of its files there".format(
            folder["folder"], folder["kept"]
        )
    for file in folder["files"]:
        path = folder["folder"] + "/" + file["path"]
        try:
            seen = os.stat(path)
        except OSError as error:
            yield "{}: found nothing ({}), wanted sha256 {}".format(
                path, error.strerror, file["sha256"]
            )
            continue
        sha = found.get((seen.st_dev, seen.st_ino))
        if seen.st_size != file["size"]:
            yield "{}: found {} bytes, wanted {}".format(path, seen.st_size, file["size"])
        elif sha is None:
            yield "{}: changed while it was looked at, wanted sha256 {}".format(
                path, file["sha256"]
            )
        elif sha.startswith("cannot"):
            yield "{}: {}, wanted sha256 {}; remove it".format(path, sha, file["sha256"])
        elif sha != file["sha256"]:
            yield "{}: found sha256 {}, wanted {}".format(path, sha, file["sha256"])


def stand_back() -> None:
    """Let everybody else go first, at the processors and at the disks."""
    os.nice(19)
    # Kernels whose disks have no queue to stand back in do not mind; hosts without it neither.
    with contextlib.suppress(OSError):
        subprocess.run(
            ["ionice", "-c", "2", "-n", "7", "-p", str(os.getpid())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _workers() -> int:
    return min(_AT_ONCE, len(os.sched_getaffinity(0)))


def _many(count: int, what: str) -> str:
    return "{} {}{}".format(count, what, "" if count == 1 else "s")


def _work(plan: Any, say: progress.Progress) -> str:
    stand_back()
    return Verify(plan, say).run()


def main() -> None:
    """See the top of the file."""
    jobs.perform(_work, otherwise="cannot be called right")


if __name__ == "__main__":
    main()
