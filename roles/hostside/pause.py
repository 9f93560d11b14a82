"""
Our instances stopped while something below them is changed, and started again afterwards.

Which they were is on disk before the first is stopped, so that whoever comes after a killed job
starts them. A boot starts them by itself.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Dict, List

import boot
import durable
import failures
import jobs
import parting
import places
import ranks
import rotation
import service
from transaction import about, current

_WHY = "the host is being changed"
# The other hosts of an instance may be in the middle of the same, through a reboot.
_OTHERS_WITHIN_S = 1200.0


class Pause:
    """
    The instances of this host, as long as they have to stand still.

    :param drain_within_s: how long each may take to end what it has begun, by name
    :param serving: those that have to serve at the end, even if a boot in between failed them
    """

    def __init__(self, drain_within_s: Dict[str, float], serving: List[str], say: Any) -> None:
        self.drain_within_s, self.serving, self.say = drain_within_s, serving, say

    def begin(self) -> None:
        """Drain and stop whatever runs, one after the other."""
        running = {name: described for name, described in _described().items() if _up(described)}
        for name in running:
            if jobs.active("activate-" + name):
                raise jobs.JobError(
                    "an activation of {0} is at work, so nothing was stopped; wait for it "
                    "(journalctl -fu {1}) and run again".format(name, jobs.unit("activate-" + name))
                )
        self._remember(sorted({*self.stopped, *running}))
        for name in running:
            rotation.leave(name, _WHY)
        if running:
            rotation.wait(self.say)
        for name, described in running.items():
            unit, within_s = described["unit"], self.drain_within_s.get(name, 0)
            parting.let_end(name, unit, described, _WHY, within_s, self.say)
            self.say("stopping " + name)
            service.stop(unit)

    def end(self) -> Dict[str, str]:
        """Start what has to serve; return why it does not, by name, empty for what does."""
        described = _described()
        wanted = [name for name in described if name in {*self.stopped, *self.serving}]
        found = {name: self._started(name, described[name]) for name in wanted}
        for name in described:
            rotation.join(name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(places.paused())
        return found

    @property
    def stopped(self) -> List[str]:
        """Who was stopped in this boot and not started again."""
        kept = durable.read_json(places.paused()) or {}
        return list(kept["instances"]) if kept.get("boot_id") == boot.boot_id() else []

    def _remember(self, names: List[str]) -> None:
        if names:
            kept = {"boot_id": boot.boot_id(), "instances": names}
            durable.write_json(places.paused(), kept)

    def _started(self, name: str, described: Any) -> str:
        if service.active(described["unit"]):
            return ""
        began = time.monotonic()
        others_s = _OTHERS_WITHIN_S if described.get("across") else 0.0
        ready = service.start(
            described["unit"],
            described["ready_within_s"] + others_s,
            lambda s: self.say(
                "starting {} again: {:.0f} s{}".format(name, s, ranks.waiting(name))
            ),
        )
        if ready:
            return ""
        return "; ".join(failures.of_start(described["unit"], began, described.get("engine")))


def _described() -> Dict[str, Any]:
    """Return what the current release of each instance says of itself."""
    names = sorted(os.listdir(places.instances())) if os.path.isdir(places.instances()) else []
    releases = {name: current(name) for name in names}
    return {name: about(name, release) for name, release in releases.items() if release}


def _up(described: Any) -> bool:
    return service.running(described["unit"])
