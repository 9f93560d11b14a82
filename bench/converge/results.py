"""Rows in a file, to which every run adds its own: a part that is measured anew replaces itself."""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench.converge.turns import Row
from roles.lab import LabError, places
from roles.lab.command import run

FILE = places.REPOSITORY / "bench/results/converge.json"
_KEY = ("run", "rtt_ms", "hosts", "tool")


def about() -> Row:
    """Return when, of what, on what and beside what rows are measured now."""
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "commit": run("git", "-C", places.REPOSITORY, "describe", "--always", "--dirty").strip(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def read(file: Path) -> list[Row]:
    """Return the rows of a file, none when it is not there."""
    if not file.exists():
        return []
    try:
        return list(json.loads(file.read_text())["rows"])
    except (ValueError, LookupError, TypeError) as error:
        raise LabError(f"{file}: {error!r}, what this bench wrote is right") from error


def keep(file: Path, rows: Iterable[Row]) -> None:
    """Have rows in a file, in place of those of the same tool, run, hosts and round trip."""
    kept = {_key(row): row for row in (*read(file), *rows)}
    lines = ",\n".join(json.dumps(kept[key], ensure_ascii=False) for key in sorted(kept))
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(f'{{"rows": [\n{lines}\n]}}\n')
    beside.replace(file)


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in _KEY)
