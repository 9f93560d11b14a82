"""What is said, on the terminal and in the log, and what was asked for."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from . import disk

Asked = dict[str, str | bool]


class Failed(Exception):  # noqa: N818  it is how it ended
    """Why was said already."""


class Abort(Exception):  # noqa: N818  the same
    """The answer to a question was to stop, which is no failure to speak of."""


class Said:
    """Where words go; warnings and errors are never kept from the terminal."""

    def __init__(self) -> None:
        self.silent = False
        self.path = ""
        self._log: TextIO | None = None

    def open(self, path: str, words: list[str]) -> None:
        """Begin a log, if that can be."""
        self.path = path
        try:
            self._log = open(path, "w")  # noqa: PTH123, SIM115  it stays open
        except OSError as error:
            why = f"Error opening log file '{path}' for writing ({error.strerror})"
            print(f"nvidia-installer: {why}; disabling logging.", file=sys.stderr)
            return
        lines = [
            f"nvidia-installer log file '{path}'",
            time.strftime("creation time: %a %b %d %H:%M:%S %Y"),
            f"installer version: {disk.VERSION}",
            "",
            f"PATH: {os.environ.get('PATH', '')}",
            "",
            "nvidia-installer command line:",
            *[f"    {word}" for word in ["./nvidia-installer", *words]],
            "",
            "Using built-in stream user interface",
        ]
        self._write("\n".join(lines))

    def note(self, text: str) -> None:
        """Say what goes on, or what was answered."""
        self._write(f"-> {text}")
        if not self.silent:
            print(f"-> {text}", flush=True)

    def message(self, text: str) -> None:
        """Say what came of it."""
        self._write(f"-> {text}")
        if not self.silent:
            print(f"\n{text}\n", flush=True)

    def warning(self, text: str) -> None:
        """Say what stands in the way."""
        self._loudly(f"WARNING: {text}")

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._loudly(f"ERROR: {text}")

    def _loudly(self, text: str) -> None:
        self._write(text)
        print(f"\n{text}\n", file=sys.stderr, flush=True)

    def _write(self, text: str) -> None:
        if self._log:
            print(text, file=self._log, flush=True)
