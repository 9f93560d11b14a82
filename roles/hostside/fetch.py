"""
Bring the files of a model revision to this host, each verified before it gets its name.

The plan of the job: ``{"name", "phase", "digest", "folder", "source": a folder on this host,
"files": [{"path", "size", "sha256"}]}``. A file that is there and right is left alone; a partial
one is continued at its byte. The folder is complete only with its receipt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from typing import Any, List

import jobs
import progress
import receipts

_BLOCK = 4 * 1024 * 1024
_SPARE = 1024 * 1024 * 1024


class FetchError(jobs.JobError):
    """The weights could not be brought."""


class Fetch:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]
        self.total = sum(file["size"] for file in plan["files"])
        self.done = 0

    def run(self) -> str:
        """Leave every file right and return what was done."""
        began = time.monotonic()
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        wanted = [file for file in self.plan["files"] if not self.right(file)]
        if wanted:
            self.room(wanted)
        for file in wanted:
            self.bring(file)
        os.sync()
        paths = [self.folder + "/" + file["path"] for file in self.plan["files"]]
        receipts.write(self.plan["phase"], self.plan["digest"], paths)
        if not wanted:
            return "{} is complete".format(self.plan["name"])
        return "{}: {} of {} files ({}) brought and verified in {}".format(
            self.plan["name"],
            len(wanted),
            len(self.plan["files"]),
            progress.size(sum(file["size"] for file in wanted)),
            progress.duration(time.monotonic() - began),
        )

    def right(self, file: Any) -> bool:
        """Say whether a file is there with its pinned digest."""
        path = self.folder + "/" + file["path"]
        if not os.path.isfile(path) or os.path.getsize(path) != file["size"]:
            return False
        digest = hashlib.sha256()
        before = self.done
        with open(path, "rb") as found:
            self.read(found, digest, "verifying")
        if digest.hexdigest() == file["sha256"]:
            return True
        self.done = before
        return False

    def room(self, wanted: List[Any]) -> None:
        """Refuse before the first byte when the disk is too small."""
        need = sum(max(0, file["size"] - self.partial(file)) for file in wanted)
        free = shutil.disk_usage(self.folder).free
        if free < need + min(_SPARE, need):
            raise FetchError(
                "{} needs {} and a spare {} on the disk of {}, which has {} free; free some or "
                "set weights_root to a larger disk".format(
                    self.plan["name"],
                    progress.size(need),
                    progress.size(min(_SPARE, need)),
                    self.folder,
                    progress.size(free),
                )
            )

    def bring(self, file: Any) -> None:
        """Copy one file beside its name, verify it, give it its name."""
        source = self.plan["source"] + "/" + file["path"]
        path = self.folder + "/" + file["path"]
        beside = path + ".partial"
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if not os.path.isfile(source):
            raise FetchError("{} is not in the source".format(source))
        if os.path.getsize(source) != file["size"]:
            raise FetchError(
                "{} has {} bytes, the manifest says {}; the source is another revision or "
                "incomplete".format(source, os.path.getsize(source), file["size"])
            )
        continued = self.partial(file) > 0
        found = self.copy(source, beside)
        if found != file["sha256"] and continued:
            # What was left of an earlier try may be what is wrong.
            os.unlink(beside)
            found = self.copy(source, beside)
        if found != file["sha256"]:
            os.unlink(beside)
            raise FetchError(
                "{} has sha256 {}, the manifest says {}; the source is damaged or another "
                "revision, replace that file there".format(source, found, file["sha256"])
            )
        os.chmod(beside, 0o644)
        os.replace(beside, path)

    def copy(self, source: str, beside: str) -> str:
        """Copy what is missing of a file and return the digest of the whole."""
        digest = hashlib.sha256()
        with open(source, "rb") as origin, open(beside, "ab+") as target:
            target.seek(0)
            self.read(target, digest, "continuing")
            origin.seek(target.tell())
            self.read(origin, digest, "bringing", target)
            target.flush()
            os.fsync(target.fileno())
        return digest.hexdigest()

    def read(self, origin: Any, digest: Any, stage: str, target: Any = None) -> None:
        """Read a file to its end."""
        for block in iter(lambda: origin.read(_BLOCK), b""):
            digest.update(block)
            if target:
                target.write(block)
            self.done += len(block)
            self.progress.say(stage, min(self.done, self.total), self.total)

    def partial(self, file: Any) -> int:
        """Return how many bytes of a file are there already."""
        beside = self.folder + "/" + file["path"] + ".partial"
        return os.path.getsize(beside) if os.path.isfile(beside) else 0


def main() -> None:
    """See the top of the file."""
    jobs.perform(
        lambda plan, say: Fetch(plan, say).run(),
        otherwise="is not complete, nothing that serves was touched",
    )


if __name__ == "__main__":
    main()
