"""Why an output of ``nvidia-smi`` has fewer devices than the host, or none."""

from __future__ import annotations

import re
from typing import Any, Dict
from xml.etree.ElementTree import Element

import smi_tree

_SAID = (
    (r"couldn't communicate with the NVIDIA driver", 9, "driver-not-loaded"),
    (r"Driver/library version mismatch", 18, "lib-rm-version-mismatch"),
    (r"couldn't find libnvidia-ml", 12, "library-not-found"),
    (r"GPU is lost", 15, "gpu-is-lost"),
    (r"GPU requires reset", 16, "reset-required"),
    (r"Insufficient Permissions", 4, "no-permission"),
    (r"No devices were found", 6, "not-found"),
    (r"(Failed to initialize NVML|Unable to determine the device handle)", 999, "unknown"),
)


def of(text: str) -> Dict[str, Any]:
    """Return why a text holds no output of ``nvidia-smi -q``, by the numbers of NVML."""
    for pattern, code, name in _SAID:
        found = re.search(".*{}.*".format(pattern), text)
        if found:
            return {"code": code, "name": name, "text": found.group().strip()}
    if re.search(r"\| NVIDIA-SMI \d", text):
        why = "the table of nvidia-smi alone is not read, run nvidia-smi -q there"
        return {"code": None, "name": "summary-table", "text": why}
    first = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
    why = "neither nvidia-smi -q nor nvidia-smi -q -x: {}".format(first[:80])
    return {"code": None, "name": "not-nvidia-smi", "text": why}


def missing(root: Element, described: int) -> Dict[str, Any] | None:
    """Return what is missing of an output, ``None`` when every GPU of the host is in it."""
    if smi_tree.OPEN in root.attrib:
        why = "the XML ends in the middle, after {} GPUs".format(described)
        return {"code": None, "name": "cut-short", "text": why}
    attached = (root.findtext("attached_gpus") or "").strip()
    if attached.isdigit() and int(attached) != described:
        why = "{} GPUs attached, {} described: cut short, or asked with -i"
        return {
            "code": None, "name": "not-every-gpu", "text": why.format(attached, described),
        }  # fmt: skip
    return None
