"""What a report tells of a run that is over: how it ended, and each host step by step."""

from collections.abc import Mapping
from typing import Any

from pyinfra.api import DeployError, Host, State
from pyinfra.api.state import StateStage

from roles import check, fleet, preflight, release
from roles.report.step import Step
from roles.words import few

_NAMED = 8


Steps = Mapping[tuple[str, str], Step]
"""By the names of hosts and the hashes of operations."""


def outcome(state: State, error: BaseException | None, *, stopped: bool) -> dict[str, Any]:
    """
    Return how a run ended, and what ended it: ``done``, ``failed`` (on a host, or as a whole),
    ``refused`` (before any change), ``stopped`` (by the operator), or ``planned``.
    """
    why = _why(error)
    cause = getattr(error, "exception", error)
    if stopped:
        return {"outcome": "stopped", "error": None}
    refused = isinstance(cause, DeployError) and _refused()
    if refused or isinstance(cause, release.WayBackError):
        return {"outcome": "refused", "error": why}
    if why or state.failed_hosts:
        return {"outcome": "failed", "error": why}
    return {"outcome": "done" if _is_over(state) else "planned", "error": None}


def hosts(state: State, steps: Steps, unreached: Mapping[str, str]) -> dict[str, Any]:
    """Return every host of the run, by name."""
    found: dict[str, Any] = {
        name: {"result": "unreached", "why": why} for name, why in unreached.items()
    }
    verdicts = preflight.verdicts()
    for host in sorted(state.activated_hosts, key=lambda host: host.name):
        listed = _steps(state, host, steps)
        reasons = [str(reason) for reason in verdicts.get(host.name, ()) if reason.refuses]
        waves = fleet.told_of(state, host.name)
        result = _result(state, host, refused=bool(reasons), steps=listed)
        found[host.name] = {
            "result": "not begun" if waves["why"] else result,
            **waves,
            "reasons": reasons,
            "steps": listed,
            "answers": check.answers(host),
        }
    return found


def not_reached(names: list[str]) -> str:
    """Return whom a run did without, in a line."""
    listed = few(names, most=_NAMED)
    return f"{len(names)} host(s) could not be reached and were left as they are: {listed}"


def _result(state: State, host: Host, *, refused: bool, steps: list[dict[str, Any]]) -> str:
    results = {step["result"] for step in steps}
    if refused:
        return "refused"
    if host in state.failed_hosts or "failed" in results:
        return "failed"
    for result in ("cut off", "done"):
        if result in results:
            return result
    return "unchanged" if results or _is_over(state) else "not begun"


def _steps(state: State, host: Host, steps: Steps) -> list[dict[str, Any]]:
    found = []
    for op_hash, operation in state.ops[host].items():
        step = steps.get((host.name, op_hash))
        if step is None:
            continue
        meta = operation.operation_meta
        result = "cut off"
        if step.seconds is not None and meta.is_complete():
            well = "done" if meta.did_change() else "unchanged"
            result = well if meta.did_succeed() else "failed"
        # The names of a step are those of all hosts; this one's own stands in its arguments.
        name = operation.global_arguments.get("name") or ", ".join(state.op_meta[op_hash].names)
        row = {"name": name, "result": result, "seconds": step.seconds}
        found.append(row if result == "unchanged" else {**row, "said": step.said})
    return found


def _why(error: BaseException | None) -> str | None:
    """Return what ended a run, as the operator was told; ``None`` when it came to its end."""
    if error is None:
        return None
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, str) else None
    cause = getattr(error, "exception", error)
    if not str(cause):
        return type(cause).__name__
    # pyinfra shows its own errors by their words alone.
    return str(cause) if hasattr(error, "message") else f"{type(cause).__name__}: {cause}"


def _is_over(state: State) -> bool:
    return state.current_stage is StateStage.Disconnect


def _refused() -> bool:
    return any(one.refuses for reasons in preflight.verdicts().values() for one in reasons)
