"""How well a GPU is, by the output of ``nvidia-smi``."""

from __future__ import annotations

from typing import Any, Dict, List

import smi_tree
from smi_values import Values

# By what NVML names them, what they are called in the XML and in the text.
_THROTTLES = {
    "idle": ("gpu_idle", "idle"),
    "applications-clocks": ("applications_clocks_setting",),
    "power-cap": ("sw_power_cap",),
    "hw-slowdown": ("hw_slowdown",),
    "sync-boost": ("sync_boost",),
    "sw-thermal": ("sw_thermal_slowdown",),
    "hw-thermal": ("hw_thermal_slowdown",),
    "power-brake": ("hw_power_brake_slowdown",),
    "display-clock": ("display_clocks_setting", "display_clock_setting"),
}
_RECOVERIES = {
    "none": "none", "reset": "reset", "gpu-reset": "reset", "reboot": "reboot",
    "node-reboot": "reboot", "drain-p2p": "drain-p2p", "drain-and-reset": "drain-and-reset",
}  # fmt: skip


def ecc(values: Values) -> Dict[str, Any] | None:
    """Return whether errors are corrected, and how many were."""
    enabled = values.flag("ecc_mode/current_ecc", "ecc_mode/current")
    pending = values.flag("ecc_mode/pending_ecc", "ecc_mode/pending")
    if enabled is None and pending is None:
        return None
    return {
        "enabled": enabled,
        "pending": pending,
        "uncorrected": _errors(values, "ecc_errors/volatile", "uncorrectable", "double_bit"),
        "uncorrected_lifetime": _errors(
            values, "ecc_errors/aggregate", "uncorrectable", "double_bit"
        ),
        "corrected_lifetime": _errors(values, "ecc_errors/aggregate", "correctable", "single_bit"),
    }


def _errors(values: Values, place: str, kind: str, older: str) -> int | None:
    """Return the sum of a kind of errors; what is not counted on this card counts nothing."""
    section = values.gpu.find(place)
    if section is None:
        return None
    if section.find(older) is not None:
        return values.whole("{}/{}/total".format(place, older))
    closed = [part.tag for part in section if smi_tree.OPEN not in part.attrib]
    counted = [tag for tag in closed if _of_kind(tag, kind)]
    # They come in this order: without the last the output ends before it.
    if "dram_{}".format(kind) not in counted:
        return None
    before = len(values.unknown)
    found = [values.whole("{}/{}".format(place, tag)) for tag in counted]
    known = [count for count in found if count is not None]
    return sum(known) if known and len(values.unknown) == before else None


def _of_kind(tag: str, kind: str) -> bool:
    return any(tag.startswith("{}_{}".format(memory, kind)) for memory in ("sram", "dram"))


def remapped_rows(values: Values) -> Dict[str, Any] | None:
    """Return how many rows were replaced by spare ones."""
    place = "remapped_rows"
    if values.section(place) is None:
        return None
    found = {
        "correctable": values.whole(place + "/remapped_row_corr", place + "/correctable_error"),
        "uncorrectable": values.whole(place + "/remapped_row_unc", place + "/uncorrectable_error"),
        "pending": values.flag(place + "/remapped_row_pending", place + "/pending"),
        "failure": values.flag(
            place + "/remapped_row_failure", place + "/remapping_failure_occurred"
        ),
    }
    return None if _nothing(found) else found


def retired_pages(values: Values) -> Dict[str, Any] | None:
    """Return how many pages are not used any more, on cards before Ampere."""
    place = "retired_pages/"
    if values.section("retired_pages") is None:
        return None
    found = {
        "single_bit": values.whole(
            place + "multiple_single_bit_retirement/retired_count", place + "single_bit_ecc"
        ),
        "double_bit": values.whole(
            place + "double_bit_retirement/retired_count", place + "double_bit_ecc"
        ),
        "pending": values.flag(
            place + "pending_retirement", place + "pending_blacklist",
            place + "pending_page_blacklist",
        ),
    }  # fmt: skip
    return None if _nothing(found) else found


def throttle(values: Values) -> List[str] | None:
    """Return why clocks are lower than they could be; a reason without a name is named too."""
    kind = next((k for k in ("event", "throttle") if _reasons(values, k) is not None), None)
    section = values.section("clocks_{}_reasons".format(kind)) if kind else None
    if section is None:
        return None
    said = {
        part.tag.replace("clocks_{}_reason_".format(kind), ""): (part.text or "").strip().lower()
        for part in section.iter()
        if part is not section
    }
    if not any(word in ("active", "not active") for word in said.values()):
        return None
    names = {tag: name for name, tags in _THROTTLES.items() for tag in tags}
    active = [
        names.get(tag, "unknown-" + tag.replace("_", "-"))
        for tag, word in said.items()
        if word == "active"
    ]
    for tag, word in said.items():
        if word not in ("active", "not active", "n/a"):
            values.unknown["clocks_{}_reasons/{}".format(kind, tag)] = word
    order = [*_THROTTLES]
    return sorted(active, key=lambda name: order.index(name) if name in order else len(order))


def _reasons(values: Values, kind: str) -> Any:
    return values.gpu.find("clocks_{}_reasons".format(kind))


def recovery(values: Values) -> str | None:
    """Return what the driver asks for; before driver 565 it had two words for it."""
    action = values.text("gpu_recovery_action")
    if action is not None:
        name = action.lower().replace("_", "-").replace(" ", "-")
        return _RECOVERIES.get(name, "unknown-{}".format(name))
    reset = values.flag("gpu_reset_status/reset_required")
    drain = values.flag("gpu_reset_status/drain_and_reset_recommended")
    if reset or drain:
        return "reset" if reset else "drain-and-reset"
    return "none" if reset is False and drain is False else None


def _nothing(found: Dict[str, Any]) -> bool:
    return all(value is None for value in found.values())
