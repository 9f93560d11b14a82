"""A fleet as a terse table for people, and as JSON for programs."""

import json
from typing import Any

from roles.console import console, new_table
from roles.status.state import State

_FILE_WIDTH = 200
LABELS = {
    State.WRONG: "in trouble",
    State.UNKNOWN: "unknown",
    State.LOOK: "worth a look",
    State.WELL: "well",
}


def table(fleet: dict[str, Any]) -> None:
    """Show a line for each instance, and for each host without one; the worst hosts first."""
    shown = console(_FILE_WIDTH)
    found = new_table("host", "instance", "release", "since", "model", "health")
    for host in sorted(fleet["hosts"], key=lambda host: [*State].index(host["state"])):
        for row in _rows(host):
            found.add_row(host["name"], *row)
    shown.print(found)
    if fleet["left_out"]:
        shown.print(f"{fleet['left_out']} more of the inventory were left out")


def as_json(fleet: dict[str, Any]) -> str:
    """Return a fleet for programs."""
    return json.dumps(fleet, indent=1) + "\n"


def lines(one: dict[str, Any]) -> list[str]:
    """Return all that is to be said of a host, an instance or a device, the worst first."""
    return [*one["wrong"], *one.get("unknown", ()), *one["look"]]


def _rows(host: dict[str, Any]) -> list[list[str]]:
    own = [*lines(host), *_devices(host), *_drift(host)]
    rows = [
        [
            one["name"],
            one["release"] or "–",
            one["since"] or ("–" if one["serves"] is False else "unknown"),
            _model(one),
            _health(one["state"], lines(one)),
        ]
        for one in host["instances"]
    ]
    if own or not rows:
        rows.insert(0, ["", "", "", "", _health(host["state"] if own else State.WELL, own)])
    return rows


def _model(one: dict[str, Any]) -> str:
    model = one["model"] or "unknown"
    return f"{model}, {one['rank']}" if one["rank"] else model


def _devices(host: dict[str, Any]) -> list[str]:
    return [f"device {one['number']}: {line}" for one in host["devices"] for line in lines(one)]


def _drift(host: dict[str, Any]) -> list[str]:
    return [f"drift in {phase}: {line}" for phase, all_ in host["drift"].items() for line in all_]


def _health(state: str, said: list[str]) -> str:
    return "\n".join([LABELS[State(state)], *said])
