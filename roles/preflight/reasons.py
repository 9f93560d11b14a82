"""Spec × probe × tables → every reason against the plan, at once: pure functions."""

from typing import Any

from roles.preflight import (
    advisories,
    ascend,
    cann,
    compression,
    container,
    cuda,
    engine,
    gateway,
    gpu,
    health,
    memory,
    model,
    npu,
    ollama,
    system,
    vllm_ascend,
    way,
    wheel,
)
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec

__all__ = ["Reason", "against"]

_PARTS = (
    system, gateway, engine, container, cuda, way, wheel, gpu,
    ascend, cann, npu, ollama, model, vllm_ascend, compression, memory, health, advisories,
)  # fmt: skip


# Facts of the machine that something here is judged by; without them the rest would be guessed.
_JUDGED_BY = (
    *("arch", "glibc", "headers", "kernel", "nouveau", "os", "python", "pythons", "secure_boot"),
    *("systemd", "uid"),
)


def against(spec: HostSpec, found: dict[str, Any]) -> list[Reason]:
    """Return every reason against ``spec`` on the host that was found, remarks among them."""
    faults = [_fault(part, fault, spec) for part, fault in found["faults"].items()]
    if any(fault.refuses for fault in faults):
        return faults
    placed, moves = health.placed(spec, found)
    told = [reason for part in _PARTS for reason in part.reasons(placed, found)]
    return [*faults, *moves, *told]


def _fault(part: str, fault: str, spec: HostSpec) -> Reason:
    if part == "python":
        remedy = "install one, or name the one there in the host's python"
        return Reason("python", part, f"{spec.python}: {fault}", "Python 3.8 or newer", remedy)
    remedy = "report it with the output of the probe"
    return Reason("probe", part, fault, "an answer", remedy, refuses=_needed(part, spec))


def _needed(part: str, spec: HostSpec) -> bool:
    """Say whether a plan can be judged without one part of the probe's answer, or one fact."""
    top, _, fact = part.partition(".")
    if fact and top == "system":
        return fact in _JUDGED_BY
    if fact and top == "accelerators":
        return spec.accelerator is not Accelerator.CPU and fact in ("pci", spec.accelerator.value)
    return True
