"""
A lab host that is far away: its link leads to a program that passes frames on later, both ways.

The host's own end stays as it is. The other end leaves the lab's bridge for one of its own, on
which the first link of the program is; the second one is on the lab's bridge instead.
"""

import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from roles.lab.command import LabError, attempt, wait
from roles.lab.daemon import ONCE, Daemon
from roles.lab.network import Network

_PROGRAM = Path(__file__).with_name("delaying.py")


@dataclass(frozen=True)
class Delay:
    """What delays the link of one host."""

    network: Network
    number: int
    namespace: str
    folder: Path

    @property
    def _daemon(self) -> Daemon:
        return Daemon(self.folder / "pid", self.folder / "log")

    def begin(self, ms: float) -> None:
        """Delay what a host sends and what it is sent, each by so many milliseconds."""
        self.end()
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        near, far = self.network.taps(self.number)
        # In none of the lab's groups, which have no part of what runs in real time.
        self._daemon.start(ONCE, "", sys.executable, "-I", _PROGRAM, ready, str(ms), near, far)
        if not wait(ready.exists, within_s=10):
            raise LabError(f"{near}: nothing passes frames on, see {self._daemon.log}")
        self.network.detour(self.number)
        self._forget()

    def end(self) -> None:
        """Take back what ``begin`` did."""
        straightened = self.network.straighten(self.number)
        self._daemon.kill()
        if straightened:
            self._forget()

    def _forget(self) -> None:
        """Have both ends ask anew where the other one is."""
        attempt("ip", "-n", self.namespace, "neigh", "flush", "all")
        attempt("ip", "neigh", "flush", "dev", self.network.bridge)


def round_trip_ms(address: str, *, times: int = 5) -> float:
    """Return how long it takes at least until a host has answered that it takes a connection."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        socket.create_connection((address, 22), timeout=10).close()
        took.append(1000 * (time.perf_counter() - began))
    return min(took)
