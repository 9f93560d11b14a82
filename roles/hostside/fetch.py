"""
Bring the files of a model revision to this host, each verified before it gets its name.

The plan of the job: ``{"name", "phase", "digest", "folder", "sources": [{"name", "folder": of this
host | "url": that paths are appended to | "host": see ``rsync.py``}], "files": [{"path", "size",
"sha256"}], "limit_mib_s", "proxy", "later": bytes that are made of them afterwards}``. Sources are
asked in their order; tokens come apart (``tokens.py``). A file that is there and right is left
alone, one that another revision has gets a second name, a partial one is continued at its byte. The
folder is complete only with its receipt.
"""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import sys
import threading
import time
from typing import Any, Dict, List, Union

import hashed
import jobs
import pace
import patience
import progress
import ranges
import receipts
import revisions
import rsync
import snapshot
import sources
import space
import tokens
from partial import Partial

_AT_ONCE = 4
_Source = Union[sources.Folder, ranges.Http, rsync.Rsync]
_PATIENCE_S = 60.0
_PATIENCE_WITH_THE_LAST_S = 600.0


class FetchError(jobs.JobError):
    """The weights could not be brought."""


class Fetch:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress, shown: Dict[str, tokens.Shown]) -> None:
        self.plan, self.progress, self.shown = plan, say, shown
        self.folder: str = plan["folder"]
        self.total = sum(file["size"] for file in plan["files"])
        self.done = 0
        self.stage = "verifying"
        self.alone = threading.Lock()
        self.stop = threading.Event()
        self.pace = pace.Pace(plan["limit_mib_s"])
        self.sources = [
            self.source(number, source) for number, source in enumerate(plan["sources"])
        ]

    def source(self, number: int, source: Dict[str, str]) -> _Source:
        """Return what a source of the plan is asked by."""
        if "folder" in source:
            return sources.Folder(source)
        is_last = number == len(self.plan["sources"]) - 1
        within_s = _PATIENCE_WITH_THE_LAST_S if is_last else _PATIENCE_S
        asked = patience.Patience(within_s, stop=self.stop, tell=self.tell)
        shown = self.shown.get(str(number), {})
        if "host" in source:
            return rsync.Rsync(
                source, key=shown.get("key"), folder=self.folder, bound=self.pace, asked=asked
            )
        return ranges.Http(
            source, headers=shown, proxy=self.plan["proxy"], bound=self.pace, asked=asked
        )

    def run(self) -> str:
        """Leave every file right and return what was done."""
        began = time.monotonic()
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        wanted = [
            Partial(self.folder, file)
            for file in self.plan["files"]
            if not self.right(file) and not self.shared(file)
        ]
        refusals = self.bring(wanted) if wanted else []
        self.settle()
        if not wanted:
            return "{} is complete".format(self.plan["name"])
        summary = "{}: {} of {} files ({}) brought and verified in {}".format(
            self.plan["name"],
            len(wanted),
            len(self.plan["files"]),
            progress.size(sum(one.file["size"] for one in wanted)),
            progress.duration(time.monotonic() - began),
        )
        return "\n".join([summary, *("not from " + refusal for refusal in refusals)])

    def settle(self) -> None:
        """Have what is there count as complete."""
        self.judge()
        os.sync()
        paths = [self.folder + "/" + file["path"] for file in self.plan["files"]]
        receipts.write(self.plan["phase"], self.plan["digest"], paths)

    def right(self, file: Any) -> bool:
        """Say whether a file is there with its pinned digest."""
        path = self.folder + "/" + file["path"]
        if not os.path.isfile(path) or os.path.getsize(path) != file["size"]:
            return False
        if hashed.sha256(path, self.count) == file["sha256"]:
            return True
        self.count(-file["size"])
        return False

    def shared(self, file: Any) -> bool:
        """Say whether another revision on this host had the file, which has a second name now."""
        if not revisions.share(self.folder, file):
            return False
        self.count(file["size"])
        return True

    def room(self, wanted: List[Partial]) -> None:
        """Refuse before the first byte when the disk is too small."""
        need = sum(one.file["size"] - one.left for one in wanted)
        later = self.plan.get("later", 0)
        need += later
        free = shutil.disk_usage(self.folder).free
        if free < need + space.spare(need):
            raise FetchError(
                "{} needs {}{} and a spare {} on the disk of {}, which has {} free; free some or "
                "set weights_root to a larger disk".format(
                    self.plan["name"],
                    progress.size(need),
                    ", with what is made of it," if later else "",
                    progress.size(space.spare(need)),
                    self.folder,
                    progress.size(free),
                )
            )

    def bring(self, wanted: List[Partial]) -> List[str]:
        """Bring files from the first source that has each; return what others said instead."""
        self.room(wanted)
        self.stage = "continuing"
        for one in wanted:
            one.read(self.count)
        left, refusals = wanted, []
        for source in self.sources:
            self.stage = "bringing from " + source.name
            refused = self.ask(source, left)
            left = [one for one in left if one.file["path"] in refused]
            for why in dict.fromkeys(refused.values()):
                refusals.append("{}: {}".format(source.name, why))
                print("not from " + refusals[-1], flush=True)
            if not left:
                return refusals
        missing = ", ".join(one.file["path"] for one in left[:3])
        more = " and {} more".format(len(left) - 3) if len(left) > 3 else ""
        raise FetchError("{}{} came from no source\n{}".format(missing, more, "\n".join(refusals)))

    def ask(self, source: _Source, wanted: List[Partial]) -> Dict[str, str]:
        """Bring files from one source, some at a time; return by path why some did not come."""
        refused: Dict[str, str] = {}
        given_up: List[str] = []

        def bring(one: Partial) -> None:
            try:
                if given_up:
                    raise sources.UnusableError(given_up[0])
                self.bring_one(source, one)
            except sources.MissingError as error:
                refused[one.file["path"]] = str(error)
                one.tidy()
            except sources.UnusableError as error:
                given_up.append(str(error))
                refused[one.file["path"]] = given_up[0]
                one.tidy()

        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
            going = [threads.submit(bring, one) for one in wanted]
            try:
                for ended in concurrent.futures.as_completed(going):
                    ended.result()
            except BaseException:
                self.stop.set()
                raise
        return refused

    def bring_one(self, source: _Source, one: Partial) -> None:
        """Bring one file beside its name, verify it, give it its name."""
        continued = one.have > 0
        self.copy(source, one)
        if continued and not one.right:
            # What was left of an earlier try, or came from another source, may be what is wrong.
            self.discard(one)
            self.copy(source, one)
        if not one.right:
            found = one.found
            self.discard(one)
            raise sources.MissingError(
                "{} has sha256 {}, the manifest says {}; the source is damaged or another "
                "revision, replace that file there".format(
                    source.where(one.file), found, one.file["sha256"]
                )
            )
        one.finish()

    def copy(self, source: _Source, one: Partial) -> None:
        """Add what is missing of a file."""
        with open(one.beside, "ab") as target:
            for block in source.blocks(one.file, one.have):
                if self.stop.is_set():
                    raise FetchError("the fetch was stopped")
                one.add(None if source.writes else target, block)
                self.count(len(block))
            target.flush()
            os.fsync(target.fileno())

    def discard(self, one: Partial) -> None:
        """Begin a file anew."""
        self.count(-one.have)
        one.discard()

    def judge(self) -> None:
        """Refuse a folder that is as pinned and no model that an engine could load."""
        found = list(snapshot.faults(self.folder))
        if found:
            raise FetchError(
                "every file is as pinned, and they make no whole model; pin the whole revision:\n"
                + "\n".join(found)
            )

    def count(self, count: int) -> None:
        """Tell that so many bytes more are there."""
        with self.alone:
            self.done += count
            self.progress.say(self.stage, min(self.done, self.total), self.total)

    def tell(self, wait: str) -> None:
        """Tell that a source lets wait."""
        print("{}: {}".format(self.stage, wait), flush=True)
        with self.alone:
            self.progress.say("{}: {}".format(self.stage, wait))


def main() -> None:
    """See the top of the file."""
    folder = sys.argv[1]
    try:
        shown = tokens.take(folder)
        jobs.perform(
            lambda plan, say: Fetch(plan, say, shown).run(),
            otherwise="is not complete, nothing that serves was touched",
        )
    finally:
        # A run that attached meanwhile left them once more.
        tokens.take(folder)


if __name__ == "__main__":
    main()
