"""One host: what it runs, how well it is, and what drifted."""

from collections.abc import Iterator
from typing import Any

from roles import gateway, lock, platform, preflight, probe
from roles.spec import Accelerator, HostSpec
from roles.status import devices, instances, state

Found = dict[str, Any]


def of(name: str, spec: HostSpec, found: Found) -> dict[str, Any]:
    """Return a host as its probe answered."""
    spec, _ = preflight.placed(spec, found) if not found["faults"] else (spec, [])
    listed, plugged = instances.of(name, spec, found), devices.of(spec, found)
    drift = {
        phase: receipt["drift"]
        for phase, receipt in (found["receipts"] or {}).items()
        if receipt["drift"]
    }
    told = {
        "wrong": list(_unheard(spec, found)),
        "unknown": [
            *(f"{part}: {why}" for part, why in found["faults"].items()),
            *devices.unknown(spec, found),
        ],
        "look": [*_platform(found), *_lock(found), *_refused(spec, found)],
    }
    parts = [state.of(**told), *(one["state"] for one in (*listed, *plugged))]
    system: Found = found["system"] or {}
    return {
        "name": name,
        "answers": "python" not in found["faults"],
        "state": state.worst([*parts, *([state.State.LOOK] if drift else [])]),
        **told,
        "accelerator": str(spec.accelerator),
        "driver": devices.driver(spec, found),
        "os": f"{system['os']['id']} {system['os']['version']}" if system.get("os") else None,
        "kernel": system.get("kernel"),
        "weights_free_mib": _free(spec, found),
        "instances": listed,
        "devices": plugged,
        "drift": drift,
        "jobs": found["jobs"] or [],
    }


def silent(name: str, spec: HostSpec | None, why: str) -> dict[str, Any]:
    """Return a host that was not reached: of what it should run, nothing is known."""
    known = of(name, spec or HostSpec(accelerator=Accelerator.CPU), probe.silent(why))
    return known | {"unknown": [why]} | ({} if spec else {"accelerator": None})


def _unheard(spec: HostSpec, found: Found) -> Iterator[str]:
    """Who should listen there for clients and gateways, and does not."""
    if found["ports"] is None:
        return
    heard = {listener["port"]: listener["unit"] for listener in found["ports"]}
    if spec.gateway and heard.get(spec.gateway.port) != gateway.UNIT:
        yield (
            f"{gateway.UNIT} does not listen on port {spec.gateway.port}: clients reach no "
            f"{', '.join(spec.gateway.models)} there; deploy/gateway.py starts it"
        )
    if spec.agent and spec.agent.port not in heard:
        yield (
            f"nobody answers gateways on port {spec.agent.port}: they go on with what they were "
            "told last; deploy/prepare.py has it answer again"
        )


def _platform(found: Found) -> list[str]:
    if not found["platform"] or not found["system"]:
        return []
    why = platform.pending(found)
    lines = [f"a reboot is asked for: {why}"] if why else []
    began = found["platform"]["began"] or ()
    return [*lines, *(f"{step} began and did not succeed yet" for step in began)]


def _lock(found: Found) -> list[str]:
    held = found["lock"]
    if not held:
        return []
    who = f"{held['who']} (run {held['run']})"
    if lock.at_work(held) is False:
        return [f"the deploy lock is left over from {who}, which is no more"]
    return [f"{who} holds the deploy lock"]


def _refused(spec: HostSpec, found: Found) -> list[str]:
    """What a run would be refused for, but for what devices and faults tell already."""
    if found["faults"]:
        return []
    reasons = preflight.against(spec, found)
    told = [reason for reason in reasons if reason.refuses]
    return [f"a run would be refused: {one}" for one in told if "device-" not in one.code]


def _free(spec: HostSpec, found: Found) -> int | None:
    disk = (found["disks"] or {}).get(spec.weights_root)
    return disk and disk["free_mib"]
