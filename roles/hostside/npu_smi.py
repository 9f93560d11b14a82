"""
What ``npu-smi`` says of this host's NPUs.

What nobody understands is named in ``unknown`` and never taken for well. Not tried on real
hardware: written from what others saved, and from the source of the tool's next release.
"""

from __future__ import annotations

import os
import re
import subprocess

import apart
import ascend_root
import npu_smi_details
import npu_smi_table
import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

parse_map = npu_smi_details.parse_map

_HCCN = "/usr/local/Ascend/driver/tools/hccn_tool"
# It takes seconds on a host with eight cards.
_WITHIN_S = 30.0
# One that hangs in the kernel cannot be killed, only left behind.
_GRACE_S = 5.0
_SAID = 300
# What it prints in the place of its table.
_FAILURES = (
    (r"dcmi mod(?:ule|el) initiali.* ret is (-8020)\b", "device-in-use"),
    (r"dcmi mod(?:ule|el) initiali.* ret is (-?[0-9]{1,9})", "dcmi-not-initialised"),
    (r"DrvMngGetConsoleLogLevel failed", "driver-does-not-answer"),
    (r"Invalid card id", "invalid-card"),
    (r"Error parameter of", "invalid-argument"),
)


def parse_info(text: str) -> Dict[str, Any]:
    """
    Return version, error, devices and lines that nobody understood of ``npu-smi info``.

    ``error`` says why chips are missing: ``dcmi-not-initialised`` (not root, or no reboot since
    the driver changed), ``device-in-use`` (a container has it), ``driver-does-not-answer``,
    ``invalid-card``, ``invalid-argument``, ``cut-off`` (the text ends within the table),
    ``no-devices``.
    """
    found = _parsed(text)
    del found["loaded"]
    return found


def read() -> Dict[str, Any]:
    """
    Ask this host's tool; ``loaded`` is the driver that answered.

    Devices tell ``roce`` as well, their network port ``UP`` or ``DOWN``, and ``health_detail``, the
    codes and words of one that is not well. Further errors: ``no-npu-smi``, ``timeout``,
    ``cannot-run``.
    """
    tool = ascend_root.tool()
    if tool is None:
        return nothing("no-npu-smi", "npu-smi is not installed")
    try:
        found = _parsed(_said(tool, "info"))
    except _UnansweredError as unanswered:
        return nothing(unanswered.name, str(unanswered))
    if found["npu_smi"]:
        try:
            _complete(found, tool)
        except _UnansweredError as unanswered:
            found["error"] = found["error"] or _error(unanswered.name, str(unanswered))
    return found


def nothing(name: str, text: str) -> Dict[str, Any]:
    """Return what is known when the tool was not asked or did not answer."""
    error = _error(name, text)
    return {"npu_smi": None, "error": error, "devices": [], "unknown": [], "loaded": None}


def merge_map(found: Dict[str, Any], chips: List[Dict[str, Any]]) -> None:
    """
    Give devices the numbers of ``npu-smi info -m``.

    A chip that the table leaves out is added with unknown health; one of which the table has half
    is told by the only chip that it can be.
    """
    devices, missing = found["devices"], []
    for chip in chips:
        place = (chip["npu"], chip["chip"])
        there = [one for one in devices if (one["npu"], one["chip"]) == place]
        for device in there:
            device["logic"] = device["logic"] if chip["logic"] is None else chip["logic"]
        if chip["name"] is None:
            found["unknown"].append("npu-smi info -m: a row of NPU {}".format(chip["npu"]))
        elif not there and chip["logic"] is not None:
            missing.append(dict(chip, name=re.sub(r"^Ascend\s+", "", chip["name"])))
    for device in [one for one in devices if None in (one["npu"], one["chip"])]:
        keys = [key for key in ("npu", "chip", "logic") if device[key] is not None]
        fitting = [chip for chip in missing if all(chip[key] == device[key] for key in keys)]
        if len(fitting) == 1:
            missing.remove(fitting[0])
            device.update(fitting[0], kind=npu_smi_table.kind_of(fitting[0]["name"], None))
    devices += [npu_smi_table.unread(**chip) for chip in missing]
    npu_smi_table.tell_cards(devices)


class _UnansweredError(Exception):
    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def _parsed(text: str) -> Dict[str, Any]:
    table = npu_smi_table.Table()
    for line in text.splitlines():
        table.read(line)
    devices, unknown = table.finish(), table.unknown
    error = None
    if not devices:
        error = _failure(text) or _error("no-devices", _line(text) or "npu-smi printed nothing")
        unknown = [line for line in unknown if not _failure(line)]
    elif not table.whole:
        last = _line(text.strip().splitlines()[-1])
        error = _error("cut-off", "the table of npu-smi ends with: {}".format(last))
    return {
        "npu_smi": table.version,
        "error": error,
        "devices": devices,
        "unknown": unknown,
        "loaded": table.loaded,
    }


def _failure(text: str) -> Dict[str, Any] | None:
    for pattern, name in _FAILURES:
        found = re.search(pattern, text)
        if found:
            return _error(name, _line(text), int(found.group(1)) if found.groups() else None)
    return None


def _complete(found: Dict[str, Any], tool: str) -> None:
    """Add what the table does not tell; without an answer to one question no other is asked."""
    said = _said(tool, "info", "-m")
    chips = parse_map(said)
    if not chips:
        found["unknown"].append("npu-smi info -m: {}".format(_line(said) or "nothing"))
    merge_map(found, chips)
    for device in found["devices"]:
        for process in device["processes"] or ():
            process["unit"] = processes.unit_of(process["pid"])
            process["name"] = process["name"] or processes.name_of(process["pid"])
    for device in found["devices"]:
        place = [str(device["npu"]), "-c", str(device["chip"])]
        if device["health"] != "OK" and "None" not in place:
            said = _said(tool, "info", "-t", "health", "-i", *place)
            device["health_detail"] = npu_smi_details.parse_health(said)
        # The chips of an Atlas 300I DUO have no network port.
        if device["kind"] == "a2" and device["npu"] is not None and os.path.exists(_HCCN):
            said = _said(_HCCN, "-i", str(device["npu"]), "-link", "-g")
            device["roce"] = npu_smi_details.parse_link(said)


def _said(*words: str) -> str:
    """Return what a command printed, errors too: its exit codes are not known."""
    try:
        said: str = apart.answer(lambda: _output(words), _WITHIN_S + _GRACE_S)
    except apart.UnansweredError as unanswered:
        # Raised is what killing it ended with in time, or that it could not be begun.
        late = unanswered.name == "timeout" or str(unanswered).startswith("TimeoutExpired")
        if late:
            why = "{}: no answer within {:.0f} s".format(" ".join(words), _WITHIN_S)
            raise _UnansweredError("timeout", why) from None
        why = "{}: {}".format(" ".join(words), unanswered)
        raise _UnansweredError("cannot-run", why) from None
    return said


def _output(words: Any) -> str:
    ended = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_WITHIN_S,
    )
    return ended.stdout.decode(errors="replace")


def _line(text: str) -> str:
    """Return a text on one line, no more than how it begins."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())[:_SAID]


def _error(name: str, text: str, code: int | None = None) -> Dict[str, Any]:
    return {"code": code, "name": name, "text": text}
