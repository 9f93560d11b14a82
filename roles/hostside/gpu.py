"""One GPU as NVML answers for it."""

from __future__ import annotations

import gpu_links
import gpu_memory
import gpu_names
import pci
from asked import Asked, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

_INVALID_ARGUMENT = 2
_RECOVERY = 230


def read(binding: Any, index: int) -> Dict[str, Any]:
    """
    Return every fact of the GPU of a number, ``None`` where it does not answer.

    :param binding: NVML, started
    """
    asked = Asked(binding)
    found = dict.fromkeys(FACTS)
    try:
        handle = binding.nvmlDeviceGetHandleByIndex(index)
    except Exception as error:
        asked.error = fault(binding, error)
    else:
        found = {name: asked.fact(name, fact, handle) for name, fact in FACTS.items()}
        asked.fact("fabric", gpu_links.fabric, handle)
    memory = found.pop("memory") or dict.fromkeys(gpu_memory.KINDS)
    numa = pci.numa(found["slot"]) if found["slot"] else None
    told = {"error": asked.error, "unsupported": asked.unsupported, "unknown": asked.unknown}
    return dict({"index": index, "numa": numa}, **found, **memory, **told)


def _slot(asked: Asked, handle: Any) -> str | None:
    found = asked.ask("nvmlDeviceGetPciInfo", handle)
    return pci.slot_of(_words(found.busId)) if found else None


def _capability(asked: Asked, handle: Any) -> str | None:
    found = asked.ask("nvmlDeviceGetCudaComputeCapability", handle)
    return "{}.{}".format(*found) if found else None


def _mig(asked: Asked, handle: Any) -> Dict[str, Any] | None:
    mode = asked.ask("nvmlDeviceGetMigMode", handle)
    if mode is None:
        return None
    parts = _mig_parts(asked, handle) if mode[0] else []
    return {
        "enabled": bool(mode[0]),
        "pending": bool(mode[1]),
        "devices": [_mig_device(asked, part) for part in parts],
    }


def _mig_parts(asked: Asked, handle: Any) -> List[Any]:
    """Return a handle for each part that was made; the numbers of others are not found."""
    name = "nvmlDeviceGetMigDeviceHandleByIndex"
    numbers = range(asked.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0)
    found = [asked.unless_missing(name, handle, number) for number in numbers]
    return [part for part in found if part is not None]


def _mig_device(asked: Asked, part: Any) -> Dict[str, Any]:
    memory = gpu_memory.sizes(asked, part)
    return {
        "uuid": asked.ask("nvmlDeviceGetUUID", part),
        "name": asked.ask("nvmlDeviceGetName", part),
        "total_mib": memory["total_mib"] if memory else None,
    }


def _persistence(asked: Asked, handle: Any) -> bool | None:
    mode = asked.ask("nvmlDeviceGetPersistenceMode", handle)
    return None if mode is None else bool(mode)


def _compute_mode(asked: Asked, handle: Any) -> str | None:
    mode = asked.ask("nvmlDeviceGetComputeMode", handle)
    return None if mode is None else gpu_names.named(gpu_names.COMPUTE_MODES, mode)


def _throttle(asked: Asked, handle: Any) -> List[str] | None:
    bits = asked.first(
        ("nvmlDeviceGetCurrentClocksEventReasons", handle),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", handle),
    )
    return None if bits is None else gpu_names.throttles(bits)


def _recovery(asked: Asked, handle: Any) -> str | None:
    """Return what the driver asks for; the field's number is an invalid one to old drivers."""
    found = asked.ask("nvmlDeviceGetFieldValues", handle, [_RECOVERY], also=(_INVALID_ARGUMENT,))
    if found is None:
        return None
    name = "NVML_FI_DEV_GET_GPU_RECOVERY_ACTION"
    if not asked.counts(name, found[0].nvmlReturn, also=(_INVALID_ARGUMENT,)):
        return None
    return gpu_names.named(gpu_names.RECOVERIES, found[0].value.uiVal)


def _temperature(asked: Asked, handle: Any) -> Any:
    sensor = 0
    return asked.first(
        ("nvmlDeviceGetTemperatureV", handle, sensor), ("nvmlDeviceGetTemperature", handle, sensor)
    )


def _power(asked: Asked, handle: Any) -> int | None:
    milliwatts = asked.ask("nvmlDeviceGetPowerUsage", handle)
    return None if milliwatts is None else round(milliwatts / 1000)


def _said(name: str) -> Callable[[Asked, Any], Any]:
    return lambda asked, handle: asked.ask(name, handle)


def _words(said: Any) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


FACTS: Dict[str, Callable[[Asked, Any], Any]] = {
    "minor": _said("nvmlDeviceGetMinorNumber"),
    "uuid": _said("nvmlDeviceGetUUID"),
    "serial": _said("nvmlDeviceGetSerial"),
    "name": _said("nvmlDeviceGetName"),
    "slot": _slot,
    "capability": _capability,
    "memory": gpu_memory.sizes,
    "processes": gpu_memory.holders,
    "ecc": gpu_memory.ecc,
    "remapped_rows": gpu_memory.remapped_rows,
    "retired_pages": gpu_memory.retired_pages,
    "nvlink": gpu_links.nvlink,
    "mig": _mig,
    "persistence": _persistence,
    "compute_mode": _compute_mode,
    "throttle": _throttle,
    "recovery": _recovery,
    "temperature_c": _temperature,
    "power_w": _power,
}
