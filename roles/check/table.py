"""The answers of an instance as a table for people, and kept for programs."""

import json
from typing import TYPE_CHECKING, Any

from pyinfra.api import Host, State, StringCommand
from pyinfra.api.output import echo

from roles.console import console, new_table

if TYPE_CHECKING:
    from rich.table import Table

_FILE_WIDTH = 160
ANSWERS = "metalserve answers"
_TOLD = ("check", "kind", "passed", "latency_s", "first_token_s", "why")


def asked(
    state: State, host: Host, *, command: StringCommand, instance: str, **arguments: Any
) -> bool:
    """Ask an instance on a host, show what it answered, say whether all was right."""
    _, output = host.run_shell_command(command, **arguments)
    try:
        report = json.loads(output.stdout_lines[-1])
    except (IndexError, ValueError):
        said = output.output.strip()
        echo(f"{host.print_prefix}{instance}: was not asked: {said}", err=True)
        return False
    host.connector_data.setdefault(ANSWERS, {})[instance] = report
    console(_FILE_WIDTH).print(_table(f"{host.name} {instance}", report))
    return bool(report) and all(answer["passed"] for answer in report)


def answers(host: Host) -> dict[str, list[dict[str, Any]]]:
    """Return how each instance of a host answered in this run, without what it said."""
    asked: dict[str, list[dict[str, Any]]] = host.connector_data.get(ANSWERS, {})
    return {
        instance: [{key: answer[key] for key in _TOLD} for answer in report]
        for instance, report in asked.items()
    }


def _table(title: str, report: list[dict[str, Any]]) -> "Table":
    found = new_table(title=title)
    for column in ("", "check", "kind", "question", "expected", "got", "seconds", "first token"):
        found.add_column(column)
    for answer in report:
        first = answer["first_token_s"]
        found.add_row(
            "ok" if answer["passed"] else "WRONG",
            answer["check"],
            answer["kind"],
            answer["question"],
            answer["expected"],
            answer["got"].strip() if answer["passed"] else answer["why"],
            f"{answer['latency_s']:.2f}",
            "" if first is None else f"{first:.2f}",
        )
    return found
