"""A depot and the rsync and ssh that reach it, in a folder."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent


class Depot:
    """
    What the depot has, whom it lets in, and what goes wrong there.

    It is told to the stand-in by a file; beside it the stand-in keeps what it was asked.
    """

    def __init__(self, folder: Path, **told: Any) -> None:
        self.files, self._file = folder / "depot", folder / "depot.json"
        self.files.mkdir(parents=True)
        self.told = {"folder": str(self.files), "cuts": [], "slow_s": 0.0, **told}
        self.tell()

    def tell(self, **changed: Any) -> None:
        """Have it behave otherwise."""
        self.told |= changed
        self._file.write_text(json.dumps(self.told))

    @property
    def asked(self) -> list[list[str]]:
        """Every command line of rsync."""
        return [
            json.loads(line) for line in self._file.with_suffix(".asked").read_text().splitlines()
        ]

    def put_on_path(self, patch: pytest.MonkeyPatch) -> None:
        """Have it found before the real ones."""
        patch.setenv("PATH", f"{_HERE / 'bin'}:{os.environ['PATH']}")
        patch.setenv("STANDIN_PYTHON", sys.executable)
        patch.setenv("STANDIN_RSYNC", str(_HERE / "rsync.py"))
        patch.setenv("STANDIN_DEPOT", str(self._file))
