"""A GPU's memory: how much, who holds it, and what of it is broken."""

from __future__ import annotations

import processes
from asked import Asked, quietly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

KINDS = ("total_mib", "free_mib", "used_mib", "reserved_mib")
_CORRECTED, _UNCORRECTED = 0, 1
_SINCE_LOADED, _LIFETIME = 0, 1
_SINGLE_BIT, _DOUBLE_BIT = 0, 1
_MEMORY_V2 = 0x02000028


def sizes(asked: Asked, handle: Any) -> Dict[str, Any] | None:
    """Return the sizes; an old driver counts what it keeps for itself as used."""
    name = "nvmlDeviceGetMemoryInfo"
    found = asked.first((name, handle, _MEMORY_V2), (name, handle))
    if found is None:
        return None
    return {kind: _mib(getattr(found, kind[: -len("_mib")], None)) for kind in KINDS}


def holders(asked: Asked, handle: Any) -> List[Dict[str, Any]] | None:
    """Return who holds memory, whether to compute or to draw; clients of MPS among them."""
    found = asked.ask("nvmlDeviceGetComputeRunningProcesses", handle)
    drawing = asked.ask("nvmlDeviceGetGraphicsRunningProcesses", handle)
    sharing = asked.ask("nvmlDeviceGetMPSComputeRunningProcesses", handle)
    if found is None:
        return None
    held: Dict[int, int | None] = {}
    for process in [*found, *(drawing or ()), *(sharing or ())]:
        held[process.pid] = held.get(process.pid) or process.usedGpuMemory
    return [_holder(asked.binding, pid, held[pid]) for pid in sorted(held)]


def _holder(binding: Any, pid: int, held: int | None) -> Dict[str, Any]:
    return {
        "pid": pid,
        "name": quietly(binding.nvmlSystemGetProcessName, pid) or processes.name_of(pid),
        "mib": _mib(held),
        "unit": processes.unit_of(pid),
    }


def ecc(asked: Asked, handle: Any) -> Dict[str, Any] | None:
    """Return whether errors are corrected, and how many were."""
    mode = asked.ask("nvmlDeviceGetEccMode", handle)
    if mode is None:
        return None
    count = "nvmlDeviceGetTotalEccErrors"
    return {
        "enabled": bool(mode[0]),
        "pending": bool(mode[1]),
        "uncorrected": asked.ask(count, handle, _UNCORRECTED, _SINCE_LOADED),
        "uncorrected_lifetime": asked.ask(count, handle, _UNCORRECTED, _LIFETIME),
        "corrected_lifetime": asked.ask(count, handle, _CORRECTED, _LIFETIME),
    }


def remapped_rows(asked: Asked, handle: Any) -> Dict[str, Any] | None:
    """Return how many rows were replaced by spare ones."""
    found = asked.ask("nvmlDeviceGetRemappedRows", handle)
    if found is None:
        return None
    correctable, uncorrectable, pending, failure = found
    return {
        "correctable": correctable,
        "uncorrectable": uncorrectable,
        "pending": bool(pending),
        "failure": bool(failure),
    }


def retired_pages(asked: Asked, handle: Any) -> Dict[str, Any] | None:
    """Return how many pages are not used any more, on cards before Ampere."""
    single = _retired(asked, handle, _SINGLE_BIT)
    double = _retired(asked, handle, _DOUBLE_BIT)
    pending = asked.ask("nvmlDeviceGetRetiredPagesPendingStatus", handle)
    if single is None and double is None and pending is None:
        return None
    pending = None if pending is None else bool(pending)
    return {"single_bit": single, "double_bit": double, "pending": pending}


def _retired(asked: Asked, handle: Any, cause: int) -> int | None:
    pages = asked.first(
        ("nvmlDeviceGetRetiredPages_v2", handle, cause),
        ("nvmlDeviceGetRetiredPages", handle, cause),
    )
    return None if pages is None else len(pages)


def _mib(size: int | None) -> int | None:
    return None if size is None else size >> 20
