"""What was measured, as a table for people, and kept for programs."""

import json
from typing import TYPE_CHECKING, Any

from pyinfra.api import Host, State, StringCommand
from pyinfra.api.output import echo

from roles.aisbench.judged import refusals
from roles.console import console, new_table
from roles.hostside.aisbench_results import STATISTICS
from roles.spec import Benchmark

if TYPE_CHECKING:
    from rich.table import Table

_FILE_WIDTH = 160
MEASURED = "metalserve measured"
"""Where a host's reports are kept: of each instance, by kind, with the reasons that refuse it."""

_MEASURES = {
    "first_token_ms": "first token, ms",
    "per_token_ms": "each further token, ms",
    "between_tokens_ms": "between two pieces, ms",
    "answer_ms": "whole answer, ms",
    "answer_tokens_per_s": "tokens a second of one answer",
    "input_tokens": "tokens of a request",
    "output_tokens": "tokens of an answer",
}


def judged(
    state: State,
    host: Host,
    *,
    command: StringCommand,
    instance: str,
    kind: str,
    wanted: Benchmark,
    **arguments: Any,
) -> bool:
    """Read what was measured on a host, show it, and say whether the instance reaches it all."""
    _, output = host.run_shell_command(command, **arguments)
    try:
        report = json.loads(output.stdout_lines[-1])
        refused = refusals(report, wanted)
    except (IndexError, KeyError, TypeError, ValueError):
        said = output.output.strip()
        echo(f"{host.print_prefix}{instance}: {kind} cannot be read: {said}", err=True)
        return False
    kept = host.connector_data.setdefault(MEASURED, {}).setdefault(instance, {})
    kept[kind] = report | {"refused": refused}
    console(_FILE_WIDTH).print(_table(f"{host.name} {instance}: {kind}, AISBench", report))
    for reason in refused:
        echo(f"{host.print_prefix}{instance}: {reason}", err=True)
    return not refused


def _table(title: str, report: dict[str, Any]) -> "Table":
    found = new_table(title=title)
    if report["kind"] == "accuracy":
        for column in ("accuracy, of 100", "questions", "answered", "failed", "asked"):
            found.add_column(column)
        counts = (str(report["of"]), str(report["questions"]), str(report["failed"]))
        found.add_row(f"{report['accuracy']:.2f}", *counts, report["dataset"])
        return found
    for column in ("", *STATISTICS):
        found.add_column(column)
    for key, name in _MEASURES.items():
        if row := report["measures"].get(key):
            found.add_row(name, *(f"{row[statistic]:g}" for statistic in STATISTICS))
    totals = (
        f"{report['requests']:g} requests, {report['at_once']:g} at once, "
        f"{report['failed']:g} failed, in {report['took_ms'] / 1000:.1f} s",
        f"{report['tokens_per_s']:g} tokens/s answered, {report['requests_per_s']:g} requests/s",
    )
    found.caption, found.caption_justify = "\n".join(totals), "left"
    return found
