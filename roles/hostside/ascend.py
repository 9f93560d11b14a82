"""What Ascend's tools and files say of this host's NPUs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any, Dict, List

import apart
import ascend_versions
import npu_smi
import processes

_TOOLS = ("/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin")
_HCCN = "/usr/local/Ascend/driver/tools/hccn_tool"
# A driver that hangs must not hang the probe.
_WITHIN_S = 60.0
_NO_TOOL = {"code": None, "name": "no-npu-smi", "text": "npu-smi is not installed"}


def read(root: str = "/") -> Dict[str, Any] | None:
    """
    Return what is known of Ascend on this host, ``None`` when there is no trace of it.

    :param root: the folder in the place of ``/``; with another one no tool is asked
    """
    tool = _tool() if root == "/" else None
    if tool is None and not ascend_versions.traces(root):
        return None
    said: Dict[str, Any] = {"npu_smi": None, "error": _NO_TOOL, "devices": [], "unknown": []}
    if tool:
        said = _told(tool)
    found = dict(said, **ascend_versions.read(root))
    # The tool comes with the driver, and its header is of the one that answers.
    found["hdk"]["loaded"] = said["npu_smi"] if said["devices"] else None
    return found


def _told(tool: str) -> Dict[str, Any]:
    try:
        return dict(apart.answer(lambda: _asked(tool), _WITHIN_S))
    except apart.UnansweredError as error:
        fault = {"code": None, "name": error.name, "text": "npu-smi: {}".format(error)}
        return {"npu_smi": None, "error": fault, "devices": [], "unknown": []}


def _asked(tool: str) -> Dict[str, Any]:
    found = npu_smi.parse_info(_said([tool, "info"]))
    logic = {
        (one["npu"], one["chip"]): one["logic"]
        for one in (npu_smi.parse_map(_said([tool, "info", "-m"])) if found["devices"] else ())
    }
    for device in found["devices"]:
        if device["logic"] is None:
            device["logic"] = logic.get((device["npu"], device["chip"]))
        device["health_detail"] = _detail(tool, device)
        device["roce"] = _roce(device)
        for process in device["processes"] or ():
            process["unit"] = processes.unit_of(process["pid"])
    return found


def _detail(tool: str, device: Dict[str, Any]) -> Dict[str, Any] | None:
    """Return the codes of a chip that is not well."""
    if device["health"] == "OK" or device["npu"] is None:
        return None
    words = [tool, "info", "-t", "health", "-i", str(device["npu"]), "-c", str(device["chip"] or 0)]
    return npu_smi.parse_health(_said(words))


def _roce(device: Dict[str, Any]) -> str | None:
    """Return the state of a chip's own network port, as ``UP``; only A2 has one."""
    if device["kind"] != "a2" or device["logic"] is None or not os.path.exists(_HCCN):
        return None
    said = re.search(
        r"link status:\s*(\S+)", _said([_HCCN, "-i", str(device["logic"]), "-link", "-g"])
    )
    return said.group(1) if said else None


def _tool() -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), *_TOOLS])
    return shutil.which("npu-smi", path=path)


def _said(words: List[str]) -> str:
    try:
        ended = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C"),
        )
    except OSError as error:
        return "{}: {}".format(words[0], error)
    return ended.stdout.decode("utf-8", "replace")
