"""A fleet as one HTML page that needs nothing beside it: the worst first, the rest folded away."""

import statistics
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from roles import templates
from roles.hostside import words
from roles.status import state
from roles.status.state import State, worst
from roles.status.told import LABELS

Row = dict[str, Any]

# So many hosts are read one by one; more are folded into groups.
_FEW = 12
_MARKS = {State.WRONG: "✕", State.UNKNOWN: "?", State.LOOK: "!", State.WELL: "✓"}
_OUTCOMES = {
    "done": State.WELL,
    "planned": State.WELL,
    "at work": State.LOOK,
    "stopped": State.LOOK,
    "refused": State.LOOK,
    "failed": State.WRONG,
    "killed": State.WRONG,
    "no end known": State.UNKNOWN,
}


def of(fleet: Row) -> str:
    """Return the page."""
    hosts = [host | {"id": f"host-{index}"} for index, host in enumerate(fleet["hosts"])]
    instances = [(host, one) for host in hosts for one in host["instances"]]
    return templates.render(
        "status/page.html.j2",
        title=Path(fleet["inventory"]).stem or "hosts named by hand",
        fleet=fleet,
        hosts=hosts,
        few=len(hosts) <= _FEW,
        marks=_MARKS,
        labels=LABELS,
        states=list(State),
        tally={one: [host for host in hosts if host["state"] == one] for one in State},
        well=_grouped(
            (host for host in hosts if host["state"] == State.WELL),
            by=lambda host: ", ".join(one["model"] or one["name"] for one in host["instances"]),
        ),
        models=_models(instances),
        kinds=_kinds(hosts),
        unseen=[host for host in hosts if _is_blind(host)],
        drifted=[host for host in hosts if host["drift"]],
        checks=_checks(instances),
        runs=[run | {"state": _OUTCOMES[run["outcome"]]} for run in fleet["runs"]],
        told=told,
        at=at,
        ago=lambda moment: ago(moment, fleet["asked"]),
        gib=gib,
        unit=lambda value, unit: "unknown" if value is None else f"{value:g} {unit}",
        duration=lambda s: "unknown" if s is None else _duration(s),
        device_line=device_line,
        ecc=ecc,
    )


def at(moment: str | None) -> str:
    """Return a moment as people read it, with its zone."""
    return f"{_parsed(moment):%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown"


def ago(moment: str | None, asked: str) -> str:
    """Return how long before a page was asked for something was."""
    if not moment:
        return ""
    seconds = (_parsed(asked) - _parsed(moment)).total_seconds()
    return f"{seconds / 86400:.0f} days ago" if seconds > 2 * 86400 else f"{_duration(seconds)} ago"


def gib(mib: int | None) -> str:
    """Return a size as people read it."""
    if mib is None:
        return "unknown"
    return f"{mib / 1024:.1f} GiB" if mib < 1024**2 else f"{mib / 1024**2:.1f} TiB"


def told(host: Row) -> list[tuple[State, str, str]]:
    """Return all that is to be said of a host: how bad it is, of which part of it, and what."""
    parts = [("", host), *((one["name"], one) for one in host["instances"])]
    for device in host["devices"]:
        parts.append((f"device {device['number']}, {device['name'] or 'without a name'}", device))
    for phase, drifted in host["drift"].items():
        parts.append((f"drift in {phase}", {"look": drifted}))
    return [(how, of, line) for how in State for of, part in parts for line in part.get(how, ())]


def device_line(host: Row) -> str:
    """Return the devices of a host in short."""
    states = [device["state"] for device in host["devices"]]
    if not states:
        return "accelerators unknown" if _is_blind(host) else ""
    well = sum(state == State.WELL for state in states)
    name = host["devices"][0]["name"] or "device"
    return f"{len(states)} × {name}" + ("" if well == len(states) else f", {well} well")


def ecc(counts: Row) -> str:
    """Return a card's errors of memory, those that it could not correct first."""
    said = {
        "uncorrected since the driver was loaded": counts["uncorrected"],
        "uncorrected in its life": counts["uncorrected_lifetime"],
        "corrected": counts["corrected_lifetime"],
    }
    told = [f"{'unknown' if n is None else n} {kind}" for kind, n in said.items() if n != 0]
    return ", ".join(told) or "none"


def _models(instances: list[tuple[Row, Row]]) -> list[Row]:
    """Return each model with its releases, and who serves them."""
    models = _grouped(instances, by=lambda pair: pair[1]["model"] or "unknown")
    return [
        {
            "model": model,
            "state": worst(one["state"] for _, one in there),
            "releases": [
                {
                    "release": release,
                    "state": worst(one["state"] for _, one in having),
                    "stack": having[0][1]["stack"],
                    "engine": having[0][1]["engine"],
                    "hosts": [host for host, _ in having],
                    "serves": sum(one["serves"] is True for _, one in having),
                    "unknown": sum(one["serves"] is None for _, one in having),
                    "wanted": sum(one["wanted"] == one["release"] for _, one in having),
                    "first": min((one["since"] for _, one in having if one["since"]), default=None),
                    "last": max((one["since"] for _, one in having if one["since"]), default=None),
                }
                for release, having in _grouped(
                    there, by=lambda pair: pair[1]["release"] or _absent(pair[1])
                )
            ],
        }
        for model, there in models
    ]


def _absent(instance: Row) -> str:
    return "unknown" if instance["serves"] is None else "none"


def _kinds(hosts: list[Row]) -> list[Row]:
    """Return each kind of accelerator, with those that are not well."""
    devices = [(host, device) for host in hosts for device in host["devices"]]
    found = []
    for name, there in _grouped(devices, by=lambda pair: pair[1]["name"] or "without a name"):
        totals = [(d["used_mib"], d["total_mib"]) for _, d in there if d["used_mib"] is not None]
        heat = [d["temperature_c"] for _, d in there if d["temperature_c"] is not None]
        found.append(
            {
                "name": name,
                "count": len(there),
                "hosts": len({host["name"] for host, _ in there}),
                "states": {s: sum(d["state"] == s for _, d in there) for s in State},
                "used_mib": sum(used for used, _ in totals) if totals else None,
                "total_mib": sum(total or 0 for _, total in totals) if totals else None,
                "hottest_c": max(heat, default=None),
                "drivers": sorted({host["driver"] or "unknown" for host, _ in there}),
                "ill": [(host, d) for host, d in there if d["state"] != State.WELL],
            }
        )
    return found


def _is_blind(host: Row) -> bool:
    """Say whether a host should have accelerators, and none is known."""
    return host["accelerator"] in ("cuda", "ascend") and not host["devices"]


def _checks(instances: list[tuple[Row, Row]]) -> list[Row]:
    """Return how the instances of each model answered."""
    found = []
    for model, there in _grouped(instances, by=lambda pair: pair[1]["model"] or "unknown"):
        asked = [(host, one) for host, one in there if one["checks"]]
        wrong = [pair for pair in asked if pair[1]["checks"]["right"] < pair[1]["checks"]["of"]]
        medians = [one["checks"]["median_s"] for _, one in asked if one["checks"]["of"]]
        slowest = [one["checks"]["slowest_s"] for _, one in asked if one["checks"]["of"]]
        found.append(
            {
                "model": model,
                "asked": asked,
                "unasked": len(there) - len(asked),
                "wrong": wrong,
                "median_s": statistics.median(medians) if medians else None,
                "slowest_s": max(slowest, default=None),
                "state": state.of(
                    wrong=wrong,
                    unknown=len(there) - len(asked),
                    look=[pair for pair in asked if pair[1]["checks"]["older"]],
                ),
            }
        )
    return found


def _grouped(items: Iterable[Any], *, by: Callable[[Any], str]) -> list[tuple[str, list[Any]]]:
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(by(item), []).append(item)
    return sorted(groups.items())


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else words.duration(seconds)


def _parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
