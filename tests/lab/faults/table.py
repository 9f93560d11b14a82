"""Rows as they are kept and shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from roles.lab import places
from tests.lab.faults.injection import Injection, Kind
from tests.lab.faults.matrix import INJECTIONS, SECTIONS
from tests.lab.faults.row import Row

_INTRODUCTION = """\
# Faults

What was done to hosts in the middle of a run, and which release served afterwards. Made by

    .venv/bin/python -m tests.lab.faults    # --only NAME … for some, --list for their names

on lab hosts: real systemd, sshd and HAProxy, the stand-in engine. {count} injections; run {made}.
What each does and asks for is in `tests/lab/faults`; nothing here is written by hand.

- **when**: the step of the [transaction](activation.md) at which the job stood still while it was
  done, or the phase.
- **served**: asked on the host, every answer right, of that release, by the process that runs.
  *old* is what served before the run, *new* what the run was to bring (of a rollback: the release
  before). What follows was found half done: *lock*, the deploy lock of a run that is no more; *open
  journal*, no outcome could be written; *half a release*, a folder `….new`; *out of rotation*, no
  gateway sends requests. *after*: what was done before it was asked. Where hosts change in waves,
  each is told of: the canary, that of the second wave, that of the third.
- **exit**: of the run; *killed* where nobody was left to see it.
- **again**: what served after `deploy/main.py` was run once more, ended with 0, left nothing half
  done, and the gateway sent requests there. *another*: it was run for a release that is right,
  where the first one was at fault itself.

"""
_HEAD = """\
| name | what | when | served | exit | again |
|---|---|---|---|---|---|"""
_NOT_RUN = "Not run yet: {}.\n"

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
    made = "; ".join(sorted({row.made for row in rows.values()}))
    shown = [_INTRODUCTION.format(count=len(rows), made=made)]
    for title, injections in SECTIONS.items():
        lines = [line(one, rows[one.name]) for one in injections if one.name in rows]
        if lines:
            shown += [f"## {title}\n", _HEAD, *lines, ""]
    missing = [f"`{name}`" for name in INJECTIONS if name not in rows]
    return "\n".join([*shown, *([_NOT_RUN.format(", ".join(missing))] if missing else [])])


def line(injection: Injection, row: Row) -> str:
    """Return an injection and what it came to as a line of a table."""
    kind = "" if injection.kind is Kind.UPGRADE else f" ({injection.kind})"
    served = ", ".join([row.served, *row.left])
    if injection.mended:
        served += f" (after: {injection.mended})"
    code = "killed" if row.code is None else str(row.code)
    what = injection.what + kind
    cells = (f"`{injection.name}`", what, injection.moment, served, code, row.again)
    return f"| {' | '.join(cells)} |"
