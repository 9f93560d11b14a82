"""What joins a GPU to others: NVLink, and the fabric of NVSwitches."""

from __future__ import annotations

import ctypes

import gpu_names
from asked import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_LINKS = 36
_NO_SUCH_LINK = 2


def nvlink(asked: Asked, handle: Any) -> List[Dict[str, Any]] | None:
    """Return the state of each link. How many a card has is seen from the numbers it knows."""
    name = "nvmlDeviceGetNvLinkState"
    states = [
        asked.unless_missing(name, handle, link, missing=(_NO_SUCH_LINK,)) for link in range(_LINKS)
    ]
    return [
        {"link": link, "active": bool(state)}
        for link, state in enumerate(states)
        if state is not None
    ] or None


def fabric(asked: Asked, handle: Any) -> None:
    """
    Name what is wrong with how a GPU joined its NVSwitches: CUDA does not start before it did.

    Where the fabric manager runs outside of a virtual machine, nothing else tells. Not tried on
    hardware with NVSwitches.
    """
    name = "nvmlDeviceGetGpuFabricInfoV"
    kind = getattr(asked.binding, "c_nvmlGpuFabricInfo_v2_t", None)
    found = kind() if kind else None
    if found is None or asked.ask(name, handle, ctypes.byref(found)) is None:
        return
    state = gpu_names.named(gpu_names.FABRIC_STATES, found.state)
    wrong = gpu_names.ills(found.healthMask) if state == "completed" else [state]
    if state == "completed" and found.status:
        wrong.append("error {}".format(found.status))
    if wrong and state != "not-supported":
        asked.unknown[name] = "fabric: {}".format(", ".join(wrong))
