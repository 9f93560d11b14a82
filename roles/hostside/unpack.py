"""
Install a stack that is one archive: brought by its hash, unpacked whole into a folder of its own.

The plan of the job: ``{"name", "folder", "disk_gib", "program": path in it of what starts,
"archive": {"path": its file name, "size", "sha256"}, "beside": the folder that it comes to,
"sources", "limit_mib_s", "proxy"}``, sources as ``fetch.py`` has them. The folder is complete only
with its marker, ``complete.json``. One without it is left over from an interrupted try and is made
anew, so that no file of another version is ever among it; what came of the archive is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import Any

import durable
import fetch
import install
import jobs
import progress
from partial import Partial

_GIB = 1024**3


class UnpackError(jobs.JobError):
    """The archive could not be unpacked."""


class Unpack:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]
        self.archive = "{}/{}".format(plan["beside"], plan["archive"]["path"])

    def run(self) -> str:
        """Leave the stack complete and return what was done."""
        if os.path.exists(self.folder + "/complete.json"):
            return "{} is complete".format(self.plan["name"])
        # The archive lies on the same disk as what comes out of it.
        disk_gib = self.plan["disk_gib"] + self.plan["archive"]["size"] / _GIB
        before = install.Install(dict(self.plan, disk_gib=round(disk_gib, 2)), self.progress)
        before.unused()
        before.room()
        began = time.monotonic()
        self.bring()
        self.unpack()
        os.sync()
        durable.write_json(self.folder + "/complete.json", {"at": durable.now()})
        shutil.rmtree(self.plan["beside"], ignore_errors=True)
        took = progress.duration(time.monotonic() - began)
        return "{} installed in {}".format(self.plan["name"], took)

    def bring(self) -> None:
        """Have the archive on the disk, with its own hash."""
        os.makedirs(self.plan["beside"], mode=0o700, exist_ok=True)
        wanted = dict(self.plan, folder=self.plan["beside"], files=[self.plan["archive"]])
        fetching = fetch.Fetch(wanted, self.progress, {})
        if not fetching.right(self.plan["archive"]):
            fetching.bring([Partial(self.plan["beside"], self.plan["archive"])])

    def unpack(self) -> None:
        """Unpack it, and look for what starts."""
        self.progress.say("unpacking")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o755)
        # As root, tar would keep the owners of whoever packed it.
        words = ["tar", "--extract", "--file", self.archive, "--directory", self.folder]
        done = subprocess.run(
            [*words, "--no-same-owner", "--no-same-permissions"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise UnpackError(
                "tar could not unpack {}:\n{}".format(self.archive, done.stdout.strip()[-3000:])
            )
        program = "{}/{}".format(self.folder, self.plan["program"])
        if not (os.path.isfile(program) and os.access(program, os.X_OK)):
            raise UnpackError(
                "{} holds no program {}; it is the release for another system, or the stack's "
                "command is another one's".format(
                    self.plan["archive"]["path"], self.plan["program"]
                )
            )


def main() -> None:
    """See the top of the file."""
    jobs.perform(
        lambda plan, say: Unpack(plan, say).run(),
        otherwise="is not installed, nothing that serves was touched",
    )


if __name__ == "__main__":
    main()
