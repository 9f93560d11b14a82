"""The accelerators of a host, each as preflight judges it."""

from typing import Any

from roles import preflight
from roles.spec import Accelerator, HostSpec
from roles.status import state

Found = dict[str, Any]


def of(spec: HostSpec, found: Found) -> list[dict[str, Any]]:
    """Return every device by its number; none on a host without, or that did not answer."""
    if spec.accelerator is Accelerator.CPU or not found["accelerators"]:
        return []
    return [
        {
            "number": number,
            "user": one.user.name if one.user else None,
            **_facts(one.device),
            "state": state.of(wrong=one.failing, look=one.noted),
            "wrong": one.failing,
            "look": one.noted,
        }
        for number, one in sorted(preflight.judged(spec, found).items())
    ]


def unknown(spec: HostSpec, found: Found) -> list[str]:
    """Return what hides devices of a host that should have some."""
    if spec.accelerator is Accelerator.CPU or not found["accelerators"]:
        return []
    told = found["accelerators"][spec.accelerator.value]
    if told is None:
        plugged = sum(1 for card in found["accelerators"]["pci"] or () if card["what"])
        return [f"nothing answers for {spec.accelerator} here; plugged in: {plugged}"]
    lines = [told["error"]["text"]] if told["error"] else []
    number = "index" if spec.accelerator is Accelerator.CUDA else "logic"
    nameless = sum(1 for device in told["devices"] if device[number] is None)
    if nameless:
        lines.append(f"{nameless} device(s) did not tell their number")
    if not told["devices"] and not told["error"]:
        lines.append("no device answered")
    return lines


def driver(spec: HostSpec, found: Found) -> str | None:
    """Return the version of the accelerators' driver, and of what it brings."""
    if spec.accelerator is Accelerator.CPU or not found["accelerators"]:
        return None
    told = found["accelerators"][spec.accelerator.value] or {}
    if spec.accelerator is Accelerator.CUDA:
        return f"{told['driver']}, CUDA {told['cuda']}" if told.get("driver") else None
    hdk = told.get("hdk") or {}
    return f"{hdk['driver']}, firmware {hdk['firmware']}" if hdk.get("driver") else None


def _facts(device: Found) -> dict[str, Any]:
    """What a device says of itself; ``None`` where it does not."""
    known = ("name", "slot", "total_mib", "used_mib", "temperature_c", "power_w")
    return {
        **{key: device[key] for key in known},
        "ecc": device.get("ecc"),
        "health": device.get("health"),
    }
