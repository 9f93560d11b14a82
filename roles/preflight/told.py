"""Reasons as lines for any reader, as a table for a wide terminal, and as JSON for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pyinfra.api.output import echo

from roles import output
from roles.console import console, new_table
from roles.preflight.reason import Reason

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Verdicts = dict[str, list[Reason]]

# Beside the first; who they are when there are more stands in the report of the run.
_FEW = 7
_WIDE = 120  # columns, below which a table of six cannot be read
_COLUMNS = ("host", "where", "found", "wanted", "what to do", "code")
_REFUSED = "refused, nothing was changed on any host"


def refusal(verdicts: Verdicts) -> str:
    """Return what ends a run: every reason, then every remark, a line each."""
    refused, remarks = list(_lines(verdicts, refuses=True)), list(_lines(verdicts, refuses=False))
    if _table_fits(console()):
        return f"{_REFUSED}: {len(refused)} reason(s), above"
    return "\n".join([_REFUSED, *refused, *([_remarks(), *remarks] if remarks else [])])


def show(verdicts: Verdicts) -> None:
    """Tell what a refusal does not: that there is none, the remarks, and a table where it fits."""
    refused = any(reason.refuses for reasons in verdicts.values() for reason in reasons)
    remarks = list(_lines(verdicts, refuses=False))
    if not refused:
        echo(f"    {len(verdicts)} host(s) asked, nothing speaks against the plan", err=True)
    if not refused and not remarks:
        return
    shown = console()
    if _table_fits(shown):
        for title, refuses in (("Reasons", True), ("Remarks, which refuse nothing", False)):
            if any(True for _ in _lines(verdicts, refuses=refuses)):
                shown.print(table(title, verdicts, refuses=refuses))
    elif remarks and not refused:
        echo("\n".join([f"    {_remarks()}", *(f"  {line}" for line in remarks)]), err=True)


def write(verdicts: Verdicts, file: str) -> None:
    """
    Write every reason as JSON, ``[]`` without one; to the standard output for ``-``.

    :raises DeployError: the file cannot be written
    """
    rows = [{"host": name, **asdict(reason)} for name, reason in _each(verdicts)]
    output.write(file, json.dumps(rows, indent=1) + "\n", what="the reasons")


def table(title: str, verdicts: Verdicts, *, refuses: bool) -> "Table":
    """Return the reasons, or the remarks, as a table."""
    found = new_table(*_COLUMNS, title=title)
    for name, one in _told(verdicts, refuses=refuses):
        found.add_row(name, one.path, one.found, one.wanted, one.remedy, one.code)
    return found


def _lines(verdicts: Verdicts, *, refuses: bool) -> Iterator[str]:
    return (f"  {name}/{one}" for name, one in _told(verdicts, refuses=refuses))


def _told(verdicts: Verdicts, *, refuses: bool) -> list[tuple[str, Reason]]:
    """Return each reason with its hosts; of many that share it, with the first of them alone."""
    sharing: dict[Reason, list[str]] = {}
    for name, one in _each(verdicts):
        if one.refuses is refuses:
            sharing.setdefault(one, []).append(name)
    found: list[tuple[str, Reason]] = []
    for one, (first, *others) in sharing.items():
        if len(others) > _FEW:
            found.append((f"{first} (and {len(others)} more)", one))
        else:
            found += [(name, one) for name in (first, *others)]
    return sorted(found, key=lambda told: told[0])


def _each(verdicts: Verdicts) -> Iterator[tuple[str, Reason]]:
    return ((name, reason) for name in sorted(verdicts) for reason in verdicts[name])


def _remarks() -> str:
    return "remarks, which refuse nothing"


def _table_fits(shown: "Console") -> bool:
    return shown.is_terminal and shown.width >= _WIDE
