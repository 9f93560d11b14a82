"""How far a job is: rate and time left, for whoever watches."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import time
from typing import Deque, Tuple

import durable
from words import duration as duration
from words import size as size

_WINDOW_S = 10.0
_EVERY_S = 0.5
_SPEAK_EVERY_S = 5.0


class Progress:
    """Written by a job to ``progress.json`` in its folder."""

    def __init__(self, folder: str) -> None:
        self.path = folder + "/progress.json"
        self.stage = ""
        self.written_at = 0.0
        self.seen: Deque[Tuple[float, int]] = collections.deque()

    def say(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Tell that ``done`` of ``total`` bytes of a stage are there; 0 of 0 when not countable."""
        now = time.monotonic()
        if stage != self.stage:
            self.stage = stage
            self.seen.clear()
        elif now - self.written_at < _EVERY_S and done != total:
            return
        self.written_at = now
        self.seen.append((now, done))
        while now - self.seen[0][0] > _WINDOW_S:
            self.seen.popleft()
        since, first = self.seen[0]
        rate = (done - first) / (now - since) if now > since else 0.0
        beside = self.path + ".new"
        # A job on a full disk goes on, and back, unwatched.
        with contextlib.suppress(OSError):
            with open(beside, "w") as file:
                json.dump({"stage": stage, "done": done, "total": total, "rate": rate}, file)
            os.replace(beside, self.path)


class Spoken:
    """Printed for whoever follows a job: each new stage at once, the same one every few seconds."""

    def __init__(self, path: str, before: str = "") -> None:
        self.path, self.before = path, before
        self.last, self.at = "", 0.0

    def look(self) -> None:
        """Print how far it is, if that is due."""
        now = line(self.path)
        is_new = now.split(":")[0] != self.last.split(":")[0]
        if now != self.last and (is_new or time.monotonic() - self.at > _SPEAK_EVERY_S):
            print(self.before + now, flush=True)
            self.last, self.at = now, time.monotonic()


def line(path: str) -> str:
    """Return the progress as one line, empty when there is none yet."""
    seen = durable.read_json(path)
    if not seen:
        return ""
    if not seen["total"]:
        return str(seen["stage"])
    words = "{}: {} of {}".format(seen["stage"], size(seen["done"]), size(seen["total"]))
    if seen["rate"] > 0 and seen["done"] < seen["total"]:
        left = (seen["total"] - seen["done"]) / seen["rate"]
        words += ", {}/s, {} left".format(size(seen["rate"]), duration(left))
    return words
