"""
What was measured, kept in ``bench/results/NAME.json``: each row with when, where and beside what.

A run that measures some rows again leaves the others as they are.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roles.lab import LabError, places
from roles.lab.command import run

FOLDER = Path(__file__).parent / "results"
_SAME = ("tool", "run", "hosts")


class Results:
    """
    The rows of one bench.

    :param same: what makes a row a newer one of a row that is there
    """

    def __init__(self, name: str, *, same: tuple[str, ...] = _SAME, folder: Path = FOLDER) -> None:
        self.file, self.same = folder / f"{name}.json", same
        self.circumstances = circumstances()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is kept."""
        if not self.file.exists():
            return []
        try:
            return list(json.loads(self.file.read_text())["rows"])
        except (ValueError, LookupError, TypeError) as error:
            raise LabError(f"{self.file}: {error!r}, what a bench wrote is right") from error

    def keep(self, measured: Mapping[str, Any]) -> None:
        """Keep a row, in the place of what was measured of the same before."""
        row = {**measured, **self.circumstances, "load": load()}
        rows = self.rows
        known = [self._of(one) for one in rows]
        if self._of(row) in known:
            rows[known.index(self._of(row))] = row
        else:
            rows.append(row)
        self.file.parent.mkdir(exist_ok=True)
        beside = self.file.with_suffix(".new")
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
        beside.write_text(f'{{"rows": [\n{lines}\n]}}\n')
        beside.replace(self.file)

    def _of(self, row: Mapping[str, Any]) -> list[Any]:
        return [row.get(key) for key in self.same]


def circumstances() -> dict[str, Any]:
    """Return when, of which commit and on what a measurement is made."""
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "commit": run("git", "-C", places.REPOSITORY, "describe", "--always", "--dirty").strip(),
        "cores": os.cpu_count(),
    }


def load() -> float:
    """Return beside what: of the last minute, so that long runs tell it of each row."""
    return round(os.getloadavg()[0], 1)
