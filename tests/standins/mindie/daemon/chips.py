"""
The chips of the host: whoever uses one holds its device node, which is a file in a lab host, and
leaves a line in it that ``npu-smi`` reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.standins.openai.server.errors import StartError

_STATE = Path(os.environ.get("STANDIN_ASCEND", "/var/lib/standin/ascend")) / "npus.json"
_NODES = Path(os.environ.get("STANDIN_DEV", "/dev"))
_INVALID = (
    "RuntimeError: exchangeDevice NPU function error: aclrtSetDevice, error code is 107001\n"
    "[Error]: Invalid device ID.\n        Check whether the device ID is valid."
)
_DENIED = (
    "RuntimeError: Initialize NPU function error: aclInit, error code is 507008\n"
    "[Error]: Failed to obtain the SOC version."
)


def logic(device: int) -> int:
    """The number of a chip on the host; ``ASCEND_RT_VISIBLE_DEVICES`` renumbers them from 0."""
    visible = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
    if not visible:
        return device
    ids = visible.split(",")
    if device >= len(ids) or not ids[device].strip().isdigit():
        raise StartError(_INVALID)
    return int(ids[device])


def take(number: int) -> int:
    """Open a chip's device nodes, for as long as the process lives."""
    for name in ("davinci_manager", f"davinci{number}"):
        try:
            opened = os.open(_NODES / name, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            raise StartError(_INVALID) from None
        except OSError:
            raise StartError(_DENIED) from None
    return opened


def name(number: int) -> str:
    """What the chip is, as ``npu-smi`` calls it."""
    return str(_chip(number).get("name", "910B4"))


def allocate(number: int, opened: int, mib: int) -> None:
    """Take memory of a chip, which others may have taken before."""
    chip = _chip(number)
    total = int(chip.get("total", 65536))
    taken = int(chip.get("used", 0))
    taken += sum(int(process["mib"]) for process in chip.get("processes", ()))
    taken += sum(int(process["mib"]) for process in users(_NODES / f"davinci{number}"))
    if taken + mib > total:
        raise StartError(
            f"RuntimeError: NPU out of memory. Tried to allocate {mib / 1024:.2f} GiB (NPU "
            f"{number}; {total / 1024:.2f} GiB total capacity; {(total - taken) / 1024:.2f} GiB "
            "free)"
        )
    said = {"pid": os.getpid(), "logic": number, "name": "mindie_llm_backe", "mib": mib}
    os.write(opened, f"{json.dumps(said)}\n".encode())


def users(node: Path) -> Iterator[dict[str, Any]]:
    """Who said in a device node that it uses the chip, and lives."""
    for line in node.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        try:
            os.kill(said["pid"], 0)
        except ProcessLookupError:
            continue
        except PermissionError:
            pass
        yield said


def _chip(number: int) -> Mapping[str, Any]:
    try:
        devices = json.loads(_STATE.read_text(encoding="utf-8"))["devices"]
    except FileNotFoundError:
        raise StartError(_INVALID) from None
    for chip in devices:
        if chip["logic"] == number:
            return dict(chip)
    raise StartError(_INVALID)
