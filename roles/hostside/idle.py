"""Chips of an Atlas 300I DUO that nobody uses, for work that must not disturb what serves."""

from __future__ import annotations

from typing import Any, List

import jobs
import npu_smi

DUO = "Atlas 300I DUO"


def chips(count: int, preferred: List[int]) -> List[int]:
    """
    Return the logic ids of ``count`` idle chips, preferred ones first.

    :raises JobError: there are not as many, with what speaks against each other one
    """
    said = npu_smi.read()
    if not said["devices"]:
        raise jobs.JobError("npu-smi shows no chips: {}".format(said["error"]["text"]))
    busy = {device["logic"]: _why(device) for device in said["devices"]}
    free = sorted(
        (logic for logic, why in busy.items() if not why),
        key=lambda logic: (logic not in preferred, logic),
    )
    if len(free) < count:
        told = ["chip {}: {}".format(logic, why) for logic, why in busy.items() if why]
        raise jobs.JobError(
            "it takes {} idle chips of an {} and {} of {} are idle ({}); stop what is on the "
            "others for as long as this takes, and run again".format(
                count, DUO, len(free), len(busy), "; ".join(told)
            )
        )
    return sorted(free[:count])


def _why(device: Any) -> str:
    """Say why a chip is not taken; an empty string when it may be."""
    if device["logic"] is None:
        return "without a logic id"
    if device["kind"] != "duo":
        return "{}, not of an {}".format(device["name"], DUO)
    if device["health"] != "OK":
        return "health {}".format(device["health"])
    if device["processes"] is None:
        return "npu-smi does not tell who uses it"
    for process in device["processes"]:
        return "{} (pid {})".format(process["unit"] or process["name"], process["pid"])
    return ""
