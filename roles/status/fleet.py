"""A fleet as one value, which the table, the page and programs are given."""

from pathlib import Path
from typing import Any

import gevent
from pyinfra.api import Host, State

from roles import lock, probe, report
from roles.hostside import durable
from roles.status import hosts, runs

Fleet = dict[str, Any]

SCHEMA = 1


def ask(state: State, inventory: Path | None) -> Fleet:
    """Ask every host at once, and return them with what earlier runs tell."""
    active = sorted(state.inventory.get_active_hosts(), key=lambda host: host.name)
    asked = [gevent.spawn(_seen, host) for host in active]
    gevent.joinall(asked, raise_error=True)
    found = {host.name: answer.value for host, answer in zip(active, asked, strict=True)}
    for name, why in report.unreached(state).items():
        spec = state.inventory.get_host(name).data.get("spec")
        found[name] = hosts.silent(name, spec, why)
    place = inventory and report.folder(inventory, state.inventory.get_override_data())
    reports = runs.of(place) if place else []
    listed = [found[name] for name in sorted(found)]
    runs.add_answers(listed, reports)
    return {
        "schema": SCHEMA,
        "asked": durable.now(),
        "who": lock.owner()["who"],
        "inventory": str(inventory or ""),
        "reports": str(place or ""),
        # By --limit or --exclude: part of a fleet must not look like all of it.
        "left_out": len(list(state.inventory)) - len(listed),
        "hosts": listed,
        "runs": runs.history(reports),
    }


def _seen(host: Host) -> dict[str, Any]:
    spec = host.data.get("spec")
    if spec is None:
        return hosts.silent(host.name, None, "the inventory gives it no spec")
    return hosts.of(host.name, spec, probe.of(host))
