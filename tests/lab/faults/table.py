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

    .venv/bin/python -m tests.lab.faults            # --only NAME … for some, --list for their names

{count} injections on lab hosts (real systemd, sshd and HAProxy, the stand-in engine), {made}; nothing here is
written by hand. An hour or more on a busy machine; what each asks for is in `tests/lab/faults`.

- **when**: the step of the [transaction](activation.md) at which the job stood still while it was done, or the phase.
- **served**: asked on the host, with every answer right, from that release, by the process that runs. *old* is what served
  before the run, *new* what the run was to bring (of a rollback: the release before). What follows was found half done: *lock*
  (the deploy lock of a run that is no more), *open journal* (no outcome could be written), *half a release* (a folder `….new`),
  *out of rotation* (no gateway sends requests). *after*: what was done before it was asked.
- **exit**: of the run; `killed` where nobody was left to see it. Ctrl-C ends pyinfra with 0.
- **again**: what served after `deploy/main.py` was run once more, ended with 0, and left nothing half done; the gateway
  sent requests there again. *another*: for a release that was never at fault, where the first one was.
"""
_HEAD = """\
| name | what | when | served | exit | again |
|---|---|---|---|---|---|"""

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
    """Write the page, once there is a row of each."""
    rows = kept()
    if rows.keys() >= INJECTIONS.keys():
        PAGE.write_text(page(rows))


def page(rows: dict[str, Row]) -> str:
    """Return the page of all rows."""
    made = sorted({row.made for row in rows.values()})
    shown = [
        _INTRODUCTION.format(
            count=len(INJECTIONS),
            made=", ".join(
                f"{day} ({commit})" for day, commit in (one.split(", ") for one in made)
            ),
            minutes=round(sum(row.seconds for row in rows.values()) / 60),
        )
    ]
    for title, injections in SECTIONS.items():
        shown += [f"## {title}\n", _HEAD]
        shown += [_line(one, rows[one.name]) for one in injections]
        shown.append("")
    return "\n".join(shown)


def _line(injection: Injection, row: Row) -> str:
    """Return an injection and what it came to as a line of a table."""
    kind = "" if injection.kind is Kind.UPGRADE else f" ({injection.kind})"
    served = ", ".join([row.served, *row.left])
    if injection.mended:
        served += f" (after: {injection.mended})"
    code = "killed" if row.code is None else str(row.code)
    cells = (
        f"`{injection.name}`",
        injection.what + kind,
        injection.moment,
        served,
        code,
        row.again,
    )
    return f"| {' | '.join(cells)} |"
