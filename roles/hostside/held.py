"""
Memory of devices that a server held: it is free again before the next one starts.

A process that was killed keeps its memory until the driver has let go of it, and one that hangs in
the driver keeps it for ever, its unit long stopped. NVML is asked, which lists both; of Ascend's
chips nobody is.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Set

import apart
import nvml

_WITHIN_S = 60.0
_EVERY_S = 0.5
_ASCEND = ("mindie", "vllm-ascend")


class Held:
    """
    What the units of an instance hold on its devices, asked while they still run.

    :param devices: their numbers, as NVML counts them; none on a host without
    :param units: whose memory it is
    """

    def __init__(self, devices: List[int], units: List[str], say: Any) -> None:
        self.devices, self.units, self.say = devices, units, say
        self.pids: Set[int] = {one["pid"] for one in self._holders() if one["unit"] in units}

    def freed(self, within_s: float = _WITHIN_S) -> List[str]:
        """Wait until it holds nothing; return a line for each process that still holds memory."""
        began = time.monotonic()
        while True:
            left = [one for one in self._holders() if self._theirs(one)]
            passed = time.monotonic() - began
            if not left or passed > within_s:
                return [_line(one) for one in left]
            mib = sum(one["mib"] or 0 for one in left)
            self.say("freeing device memory: {} MiB still held after {:.0f} s".format(mib, passed))
            time.sleep(_EVERY_S)

    def _theirs(self, holder: Dict[str, Any]) -> bool:
        """Say whether it is waited for: one of theirs, or one that is gone, whosever it was."""
        gone = holder["unit"] is None and holder["name"] is None
        return gone or holder["pid"] in self.pids or holder["unit"] in self.units

    def _holders(self) -> List[Dict[str, Any]]:
        """Return who holds memory of the devices; nobody where NVML does not say."""
        if not self.devices:
            return []
        try:
            found = nvml.holders(self.devices)
        except apart.UnansweredError as error:
            self.say("device memory was not looked at: {}".format(error))
            return []
        return [dict(one, device=device) for device in sorted(found) for one in found[device]]


def of(releases: List[Any], say: Any) -> Held:
    """
    Return what the servers of releases hold, each given by what it says of itself; ``None`` where
    there is none.
    """
    known = [release for release in releases if release and release.get("engine") not in _ASCEND]
    devices = {device for release in known for device in release.get("devices", [])}
    return Held(sorted(devices), sorted({release["unit"] for release in known}), say)


def _line(holder: Dict[str, Any]) -> str:
    mib = holder["mib"]
    return "{} (pid {}) holds {} of device {}".format(
        holder["name"] or "a process that is gone",
        holder["pid"],
        "memory" if mib is None else "{} MiB".format(mib),
        holder["device"],
    )
