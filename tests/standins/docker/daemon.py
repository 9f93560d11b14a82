"""Docker without a daemon: the stand-in of its command, and what a test has it remember."""

import json
from pathlib import Path
from typing import Any

BIN = Path(__file__).parent / "bin"


class Docker:
    """What the stand-in in ``bin`` remembers, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.change(
            images={}, containers={}, root=str(folder), fails={}, gpus=True,
            python="3.12", archive=["lab/base:1"], compose=0,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which programs find it."""
        return {"STANDIN_DOCKER": str(self.folder), "PATH": f"{BIN}:/usr/bin:/bin"}

    @property
    def state(self) -> Any:
        """What it remembers."""
        path = self.folder / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def told(self) -> list[list[str]]:
        """The words of every command."""
        path = self.folder / "told"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def change(self, **facts: object) -> None:
        """Have it remember something else."""
        beside = self.folder / "changed.json"
        beside.write_text(json.dumps({**self.state, **facts}))
        beside.replace(self.folder / "state.json")
