"""Rows as they are kept and shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from roles.lab import places
from tests.lab.faults.matrix import SECTIONS
from tests.lab.faults.row import Row

KEPT = Path(__file__).with_name("rows.json")
PAGE = places.REPOSITORY / "docs/faults.md"


def kept() -> dict[str, Row]:
    """Return what the last run of each injection came to."""
    read = json.loads(KEPT.read_text()) if KEPT.exists() else []
    return {row["name"]: Row(**row) for row in read}


def keep(row: Row) -> None:
    """Keep a row instead of the one before."""
    rows = kept() | {row.name: row}
    lines = [json.dumps(dataclasses.asdict(one), ensure_ascii=False) for one in rows.values()]
    KEPT.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def told(row: Row) -> str:
    """Return a row as the one who watches reads it."""
    ended = "killed" if row.code is None else str(row.code)
    said = f"{row.seconds:5.1f} s  {row.name}: {row.served}, exit {ended}, again: {row.again}"
    return "\n    ".join([said + (", NOT AS EXPECTED" if row.faults else ""), *row.faults])


def write() -> None:
    """Write the page."""
    PAGE.write_text(page(kept()))


def page(rows: dict[str, Row]) -> str:
    """Return the page of all rows."""
    return "\n".join(SECTIONS) + "\n" if rows is None else ""
