"""
On a lab host: what serves, whether it answers right, and what is half done, as JSON.

It waits until no job is at work and the unit is neither starting nor stopping, or 40 s are over.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, "/opt/metalserve/hostside")

import ask
import durable
import places
import rotation
import service
import units

NAME = "chat"
UNIT = f"metalserve-vllm@{NAME}.service"
_WITHIN_S = 40.0
_PARTIAL = ("*.new", "*.partial", "*.old")
_FOLDERS = (places.STATE, places.ROOT + "/instances", places.ROOT + "/releases", places.UNITS)


def seed(words: list[str]) -> str:
    """Return what tells releases of a trial apart: the seed on the server's command line."""
    return words[words.index("--seed") + 1] if "--seed" in words else ""


def running() -> str:
    """Return the seed of the process that runs, empty when none does."""
    if service.state(UNIT) != "active":
        return ""
    asked = ["systemctl", "show", "-P", "MainPID", UNIT]
    shown = subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout.strip()
    return seed(Path("/proc", shown, "cmdline").read_text().split("\0"))


def linked(link: str) -> str:
    """Return the seed of the release that a link leads to, by what it would start."""
    folder = durable.read_link(places.instance(NAME) + "/" + link)
    try:
        text = Path(folder or "/nowhere", "start").read_text()
    except OSError:
        return ""
    return seed(text.replace("'", "").split())


def wrong() -> list[str]:
    """Return what is wrong with the answers of the release that is current."""
    folder = durable.read_link(places.instance(NAME) + "/current")
    try:
        return ask.wrong(ask.ask_all(NAME, Path(folder or "").name))
    except Exception as error:
        return [f"cannot be asked: {error}"]


def left() -> list[str]:
    """Return what is half done, or was left behind."""
    found = []
    if units.jobs():
        found.append("job at work")
    if Path(places.lock()).exists():
        found.append("lock")
    if rotation.shown():
        found.append("out of rotation")
    record = durable.read_json(places.transaction(NAME))
    if isinstance(record, dict) and record.get("outcome") is None:
        found.append("open journal")
    for folder in _FOLDERS:
        for pattern in _PARTIAL:
            for path in Path(folder).rglob(pattern):
                found.append("half a release" if "/releases/" in str(path) else str(path))
    return found


def main() -> None:
    """See the top of the file."""
    until = time.monotonic() + _WITHIN_S
    passing = ("activating", "deactivating", "reloading")
    while time.monotonic() < until and (units.jobs() or service.state(UNIT) in passing):
        time.sleep(0.2)
    served = running()
    record: Any = durable.read_json(places.transaction(NAME))
    seen = {
        "running": served,
        "current": linked("current"),
        "previous": linked("previous"),
        "unit": service.state(UNIT),
        "wrong": wrong() if served else [],
        "left": left(),
        "outcome": record.get("outcome") if isinstance(record, dict) else None,
        "bad": [path.stem for path in Path(places.bad(NAME)).glob("*.json")],
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
