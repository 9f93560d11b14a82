"""
What ``nvidia-smi -q -x`` or ``nvidia-smi -q`` printed, in the shape of the probe's answer.

For outputs that somebody saved or sent; a host itself is asked through NVML. Read are the schemas
10 to 13 of the XML and the text of drivers 590 to 610. What a text does not hold is ``None``: of
text and XML alike compute capability, memory node, NVLink, units of processes, and names of MIG
devices. ``unsupported`` and ``unknown`` are named by where in the output they stand.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List
from xml.etree.ElementTree import Element

import pci
import smi_faults
import smi_health
import smi_tree
from smi_values import Values


def parse(text: str) -> Dict[str, Any]:
    """
    Return driver, CUDA, error and devices of the newest output in a text.

    ``error`` says why there are fewer devices than the host has, or none at all.
    """
    root = smi_tree.read(text)
    if root is None:
        return {"driver": None, "cuda": None, "error": smi_faults.of(text), "devices": []}
    gpus = root.findall("gpu")
    devices = [_device(gpu, index) for index, gpu in enumerate(gpus)]
    error = smi_faults.missing(root, len(gpus))
    if error:
        # Which ones are left out is not known, so neither is how the others are counted.
        devices = [dict(device, index=None) for device in devices]
    return {
        "driver": _version(root, "kmd_version", "driver_version"),
        "cuda": _version(root, "cuda_umd_version", "cuda_version"),
        "error": error,
        "devices": devices,
    }


def _version(root: Element, *tags: str) -> str | None:
    """Return a version, without the remark that its label is deprecated."""
    for tag in tags:
        found = re.match(r"\d+(\.\d+)+", root.findtext(tag) or "")
        if found:
            return found.group()
    return None


def _device(gpu: Element, index: int) -> Dict[str, Any]:
    values = Values(gpu)
    slot = values.text("pci/pci_bus_id", "pci/bus_id") or gpu.get("id") or ""
    found: Dict[str, Any] = {
        "index": index,
        "minor": values.whole("minor_number"),
        "uuid": values.text("uuid", "gpu_uuid"),
        "serial": values.text("serial", "serial_number"),
        "name": values.text("product_name"),
        "slot": pci.slot_of(slot),
        "numa": None,
        "capability": None,
        "total_mib": values.whole("fb_memory_usage/total"),
        "free_mib": values.whole("fb_memory_usage/free"),
        "used_mib": values.whole("fb_memory_usage/used"),
        "reserved_mib": values.whole("fb_memory_usage/reserved"),
        "processes": _processes(values),
        "ecc": smi_health.ecc(values),
        "remapped_rows": smi_health.remapped_rows(values),
        "retired_pages": smi_health.retired_pages(values),
        "nvlink": None,
        "mig": _mig(values),
        "persistence": values.flag("persistence_mode"),
        "compute_mode": _compute_mode(values),
        "throttle": smi_health.throttle(values),
        "recovery": smi_health.recovery(values),
        "temperature_c": values.whole("temperature/gpu_temp", "temperature/gpu_current_temp"),
        "power_w": _power(values),
    }
    told = {"error": values.error, "unsupported": values.unsupported, "unknown": values.unknown}
    return dict(found, **told)


def _processes(values: Values) -> List[Dict[str, Any]] | None:
    """Return who holds memory: rows of the XML, or of the text, where the pid is the heading."""
    listed = values.section("processes")
    if listed is None:
        return None
    found = []
    for row in listed.findall("process_info") + listed.findall("process_id"):
        pid = row.findtext("pid", row.text or "").strip()
        name = row.findtext("process_name") or row.findtext("name") or ""
        held = re.match(
            r"(\d+) MiB", row.findtext("used_memory", row.findtext("used_gpu_memory", ""))
        )
        if not pid.isdigit():
            values.unknown["processes"] = "pid {}".format(pid)
            return None
        found.append(
            {
                "pid": int(pid),
                # In brackets stands why there is none.
                "name": None if name.startswith("[") else name.strip() or None,
                "mib": int(held.group(1)) if held else None,
                "unit": None,
            }
        )
    return sorted(found, key=lambda process: process["pid"])


def _mig(values: Values) -> Dict[str, Any] | None:
    enabled = values.flag("mig_mode/current_mig", "mig_mode/current")
    pending = values.flag("mig_mode/pending_mig", "mig_mode/pending")
    if enabled is None and pending is None:
        return None
    return {"enabled": enabled, "pending": pending, "devices": _mig_devices(values)}


def _mig_devices(values: Values) -> List[Dict[str, Any]] | None:
    """Return the parts that a card is cut into, ``None`` when there may have been more."""
    parts = values.mig_devices()
    if parts is None:
        return None
    sizes = [
        Values(part).whole("fb_memory_usage/total", "shared_fb_memory_usage/total")
        for part in parts
    ]
    return [{"uuid": None, "name": None, "total_mib": size} for size in sizes]


def _compute_mode(values: Values) -> str | None:
    mode = values.text("compute_mode")
    if mode is None:
        return None
    name = mode.lower().replace("_", "-").replace(" ", "-")
    known = ("default", "exclusive-thread", "prohibited", "exclusive-process")
    return name if name in known else "unknown-{}".format(name)


def _power(values: Values) -> int | None:
    """Return the mean of the last second where it is told, as NVML does."""
    places = ("gpu_power_readings", "power_readings")
    kinds = ("average_power_draw", "power_draw", "instant_power_draw", "instantaneous_power_draw")
    found = values.number(*("{}/{}".format(place, kind) for kind in kinds for place in places))
    return None if found is None else round(found)
