"""Reports as files of the control machine: beside the inventory, named by time, the newest few."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roles.hostside import durable

Report = dict[str, Any]

SCHEMA = 1
# Of each deploy: a check every five minutes must not push out the upgrade of last week.
KEPT = 50
_NAME = re.compile(r"\d{8}T\d{6}Z-([\w.+-]+)-r[0-9a-f]{7}\.json")


def folder(inventory: Path, data: Mapping[str, Any]) -> Path:
    """Return where the reports of an inventory lie; ``--data reports=DIR`` says another place."""
    told = data.get("reports")
    return Path(str(told)) if told else inventory.parent / "reports" / inventory.stem


def name(report: Report) -> str:
    """Return the file name of a report, which sorts by time."""
    began = re.sub(r"[:-]", "", report["began"])
    deploys = "+".join(Path(deploy).stem for deploy in report["deploys"])
    return f"{began}-{re.sub(r'[^A-Za-z0-9_.+]', '_', deploys)}-{report['run']}.json"


def write(place: Path, report: Report) -> None:
    """
    Leave a report whole, or none, and let the oldest of the same deploy go.

    :raises OSError: it cannot be written
    """
    path = place / name(report)
    durable.write_json(str(path), report)
    of_deploy = [one for one in _names(place) if _deploy(one) == _deploy(path)]
    for old in of_deploy[KEPT:]:
        # Another run, which counts them too, may have been quicker.
        with contextlib.suppress(FileNotFoundError):
            old.unlink()


def newest(place: Path, of_each: int = KEPT) -> Iterator[Report]:
    """
    Yield the reports of a folder, newest first; what is none of ours is passed over.

    :param of_each: how many of each deploy
    """
    seen: Counter[str] = Counter()
    for path in _names(place):
        seen[_deploy(path)] += 1
        if seen[_deploy(path)] > of_each:
            continue
        try:
            report = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(report, dict) and report.get("schema") == SCHEMA:
            yield report


def _names(place: Path) -> list[Path]:
    found = place.iterdir() if place.is_dir() else ()
    return sorted((path for path in found if _NAME.fullmatch(path.name)), reverse=True)


def _deploy(path: Path) -> str:
    found = _NAME.fullmatch(path.name)
    return found.group(1) if found else ""
