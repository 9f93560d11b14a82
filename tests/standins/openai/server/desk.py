"""How many requests run and wait, and the page of numbers that says so."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Desk:
    """A number of places; whoever comes when they are taken waits."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._changed = threading.Condition()
        self._running = 0
        self._waiting = 0
        self._finished: Counter[str] = Counter({"stop": 0, "length": 0, "abort": 0})

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place, for as long as a request is worked on and its answer is sent."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._running < self._places)
            self._waiting -= 1
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def finished(self, reason: str) -> None:
        """An answer has come to its end."""
        with self._changed:
            self._finished[reason] += 1

    def counts(self) -> tuple[int, int]:
        """How many run, and how many wait."""
        with self._changed:
            return self._running, self._waiting

    def wait_empty(self, within_s: float) -> bool:
        """Wait until nobody runs or waits."""
        until = time.monotonic() + within_s
        with self._changed:
            while self._running or self._waiting:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def metrics(self, engine: str, labels: str) -> str:
        """The numbers of an engine, as Prometheus reads them."""
        with self._changed:
            running, waiting, finished = self._running, self._waiting, dict(self._finished)
        lines = []
        for name, value in (("running", running), ("waiting", waiting)):
            name = f"{engine}:num_requests_{name}"
            lines += [f"# TYPE {name} gauge", f"{name}{{{labels}}} {float(value)}"]
        lines.append(f"# TYPE {engine}:request_success_total counter")
        for reason, value in finished.items():
            name = f'{engine}:request_success_total{{{labels},finished_reason="{reason}"}}'
            lines.append(f"{name} {float(value)}")
        return "\n".join(lines) + "\n"
