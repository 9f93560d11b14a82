"""What earlier runs tell, by their reports: the history, and how each instance answered."""

import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roles import lock, report
from roles.status import state

Row = dict[str, Any]

# Of each deploy, so that a check every five minutes leaves room for the upgrade of last week.
_OF_EACH = 10


def of(place: Path) -> list[Row]:
    """Return the newest reports of a fleet, newest first."""
    return list(report.newest(place, of_each=_OF_EACH))


def history(reports: Iterable[Row]) -> list[Row]:
    """Return a row for each run: who did what, when, from what, and whom it failed on."""
    return [_row(one) for one in reports]


def add_answers(hosts: Iterable[Row], reports: Iterable[Row]) -> None:
    """Give each instance the newest answers that a run was given, and judge it by them."""
    newest: dict[tuple[str, str], Row] = {}
    for one in reports:
        for host, told in one["hosts"].items():
            for instance, answers in (told.get("answers") or {}).items():
                newest.setdefault((host, instance), _checks(one, answers))
    for host in hosts:
        for instance in host["instances"]:
            if checks := newest.get((host["name"], instance["name"])):
                _judge(instance, checks)
        host["state"] = state.worst([host["state"], *(one["state"] for one in host["instances"])])


def _row(one: Row) -> Row:
    hosts: dict[str, Row] = one["hosts"]
    kept = ("run", "who", "deploys", "began", "seconds", "error", "commit", "changed", "limit")
    return {
        **{key: one[key] for key in (*kept, "inventory_sha256", "dry")},
        "outcome": one["outcome"] or _without_end(one),
        "results": dict(Counter(host["result"] for host in hosts.values())),
        "failures": [
            failure for name, host in sorted(hosts.items()) for failure in _failures(name, host)
        ],
    }


def _without_end(one: Row) -> str:
    """Say what became of a run whose report has no end."""
    return {True: "at work", False: "killed", None: "no end known"}[lock.at_work(one)]


def _failures(name: str, host: Row) -> Iterable[Row]:
    if host["result"] == "not begun":
        # Told by its number alone: what was done before its wave, or why that failed, is others'.
        return
    if host["result"] == "unreached":
        yield {"host": name, "step": "Connect", "seconds": None, "said": [host["why"]]}
    for step in host.get("steps", ()):
        if step["result"] in ("failed", "cut off"):
            wrong = [one for told in host["answers"].values() for one in told if not one["passed"]]
            said = step["said"] or [
                f"{one['check']} ({one['kind']}): {one['why']}" for one in wrong
            ]
            yield {"host": name, "step": step["name"], "seconds": step["seconds"], "said": said}
    if host.get("reasons"):
        yield {"host": name, "step": "Preflight", "seconds": None, "said": host["reasons"]}


def _checks(one: Row, answers: list[Row]) -> Row:
    latencies = [answer["latency_s"] for answer in answers]
    first = [answer["first_token_s"] for answer in answers if answer["first_token_s"] is not None]
    return {
        "asked": one["ended"],
        "right": sum(answer["passed"] for answer in answers),
        "of": len(answers),
        "median_s": round(statistics.median(latencies), 3) if latencies else None,
        "slowest_s": max(latencies, default=None),
        "first_token_s": round(statistics.median(first), 3) if first else None,
        "answers": answers,
    }


def _judge(instance: Row, checks: Row) -> None:
    """Believe answers only of the release that is there now, and since it was started."""
    since = max(instance["since"] or "", instance["started"] or "")
    checks = {**checks, "older": checks["asked"] < since}
    instance["checks"] = checks
    wrong = checks["of"] - checks["right"]
    if wrong and not checks["older"]:
        instance["wrong"].append(f"{wrong} of {checks['of']} answers were wrong")
        instance["state"] = state.worst([instance["state"], state.State.WRONG])
