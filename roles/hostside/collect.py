"""
Bring the files of a bundle into their folders: run on the control machine, not on hosts.

Reads ``{"folder", "wants": [a plan as of ``fetch.py``, and whether its files make a "model"],
"shown": [{what shows who asks, by source}]}``, a ``shown`` for each plan. What is there and right
is left alone, a partial file is continued. Ends with 1 and the reason when something is missing.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Dict

import fetch
import jobs
import progress
import space
import tokens
from partial import Partial

_LOOK_EVERY_S = 0.2


class Collect(fetch.Fetch):
    """One plan, whose files are carried elsewhere: they leave no receipt here."""

    def settle(self) -> None:
        """See ``Fetch``."""
        if self.plan["model"]:
            self.judge()


def room(asked: Any) -> None:
    """Refuse before the first byte when the disk is too small for all plans together."""
    need = 0
    for plan in asked["wants"]:
        for one in (Partial(plan["folder"], file) for file in plan["files"]):
            have = os.path.getsize(one.path) if os.path.isfile(one.path) else -1
            need += 0 if have == one.file["size"] else one.file["size"] - one.left
    free = shutil.disk_usage(asked["folder"]).free
    if free < need + space.spare(need):
        raise jobs.JobError(
            "the bundle needs {} more and a spare {} on the disk of {}, which has {} free; free "
            "some or give a folder on a larger disk".format(
                progress.size(need),
                progress.size(space.spare(need)),
                asked["folder"],
                progress.size(free),
            )
        )


def collect(plan: Any, shown: Dict[str, tokens.Shown], folder: str) -> str:
    """Bring one plan's files, telling how far it is; return what was done."""
    say = progress.Progress(folder)
    spoken = progress.Spoken(say.path, before=plan["name"] + ": ")
    work = Collect(plan, say, shown)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        going = threads.submit(work.run)
        try:
            while not going.done():
                spoken.look()
                time.sleep(_LOOK_EVERY_S)
        except BaseException:
            work.stop.set()
            raise
    return going.result()


def main() -> None:
    """See the top of the file."""
    asked = json.load(sys.stdin)
    what = "nothing was brought"
    try:
        room(asked)
        for plan, shown in zip(asked["wants"], asked["shown"]):
            what = "{} is not complete, what came is kept".format(plan["name"])
            with tempfile.TemporaryDirectory() as folder:
                print(collect(plan, shown, folder), flush=True)
    except (jobs.JobError, OSError) as error:
        raise SystemExit("{}: {}".format(what, error)) from None


if __name__ == "__main__":
    main()
