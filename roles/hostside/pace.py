"""How fast a job may take bytes from the network, so that what serves is not starved."""

from __future__ import annotations

import threading
import time


class Pace:
    """A bound that threads share; ``None`` is none."""

    def __init__(self, mib_s: float | None) -> None:
        self.bytes_s = mib_s * 1024 * 1024 if mib_s else 0.0
        self.free_at = 0.0
        self.alone = threading.Lock()

    def spend(self, count: int) -> None:
        """Return when ``count`` bytes more are within the bound."""
        if not self.bytes_s:
            return
        with self.alone:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + count / self.bytes_s
            wait = self.free_at - now
        time.sleep(wait)
