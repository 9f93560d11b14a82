"""The model that is loaded: a process of its own, for as long as it is kept alive."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

from . import store


class Loaded:
    """At most one model, with the process that computes."""

    def __init__(self, found: store.Store) -> None:
        self._store = found
        self._alone = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._model = ""
        self._answers: dict[str, str] = {}
        self._until = 0.0

    def answers(self, model: str, keep_alive_s: float) -> dict[str, str]:
        """Return what a model knows, after loading it if it is not."""
        with self._alone:
            if not self._process or self._model != model:
                self._end()
                blob = self._store.weights(model)
                self._answers = store.answers(blob)
                words = [sys.argv[0], "runner", "--model", str(blob)]
                self._process, self._model = subprocess.Popen(words), model
            self._until = time.monotonic() + keep_alive_s
            return self._answers

    def unload(self) -> None:
        """Load nothing any more."""
        with self._alone:
            self._end()

    def expire(self) -> None:
        """Unload what nobody asked for long enough."""
        with self._alone:
            if self._process and time.monotonic() > self._until:
                self._end()

    def page(self) -> list[dict[str, Any]]:
        """Return what ``/api/ps`` tells."""
        with self._alone:
            return [{"name": self._model, "model": self._model}] if self._process else []

    def _end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        self._process = None
