"""
The deploy lock: one operator at a time changes a host.

``lock.py take OWNER`` and ``lock.py release OWNER`` are told the owner as JSON:
``{"run": ID, "who": "user@machine", "machine": ID, "pid": N, "started": N, "break": RUN or null}``.
``break`` names the run whose lock may be taken over: its operator said so, or the control machine
that it came from knows its process to be dead. ``lock.py show`` prints the owner.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from typing import Any, Iterator

import boot
import durable
import places
import progress

KEYS = ("run", "who", "machine", "pid", "started", "since")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Look and write without another process between the two."""
    os.makedirs(places.STATE, exist_ok=True)
    with open(places.lock_guard(), "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def owner() -> Any:
    """Return who holds the lock, ``None`` when it is free."""
    return durable.read_record(places.lock(), KEYS)


def take(wanted: Any) -> str:
    """Take the lock and return what there is to say about it."""
    with _alone():
        held = owner()
        said = ""
        if held and held["run"] != wanted["run"]:
            if held["run"] != wanted["break"]:
                raise SystemExit(
                    "this host is locked by {0}; nothing was changed. Wait for that run; if it is "
                    "dead, run again with --data break_lock={1}".format(describe(held), held["run"])
                )
            said = "took over the lock of {}".format(describe(held))
        kept = {key: wanted[key] for key in KEYS if key != "since"}
        kept["since"] = time.time()
        # What its age is told by, while the host is up: its clock may be set meanwhile.
        kept["up"] = {"boot_id": boot.boot_id(), "s": time.monotonic()}
        durable.write_json(places.lock(), kept)
        return said


def release(wanted: Any) -> None:
    """Give the lock back, if it is ours; where none is, nothing of ours may be, nor come to be."""
    if owner() is None:
        return
    with _alone():
        held = owner()
        if held and held["run"] == wanted["run"]:
            os.unlink(places.lock())


def describe(held: Any) -> str:
    """Return who holds the lock, since when."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held["since"]))
    up = held.get("up") or {}
    if up.get("boot_id") == boot.boot_id():
        age_s = time.monotonic() - up["s"]
    else:
        age_s = max(0, time.time() - held["since"])
    age = progress.duration(age_s)
    return "{} (run {}) since {}, {} ago".format(held["who"], held["run"], since, age)


def main() -> None:
    """See the top of the file."""
    verb = sys.argv[1] if len(sys.argv) > 1 else "show"
    if verb == "take":
        said = take(json.loads(sys.argv[2]))
        if said:
            print(said)
    elif verb == "release":
        release(json.loads(sys.argv[2]))
    else:
        held = owner()
        print(describe(held) if held else "free")


if __name__ == "__main__":
    main()
