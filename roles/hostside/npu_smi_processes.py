"""The table of processes below the table of ``npu-smi info``."""

from __future__ import annotations

import re

from npu_smi_cells import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Set, Tuple

    Place = Tuple[Any, Any]

HEADING = "Process id"
_IDLE = re.compile(r"No running processes found in NPU\s+([0-9]{1,9})")


class Processes:
    """The rows read so far: cards that are named idle, processes by card and chip, and the rest."""

    def __init__(self, headings: List[str]) -> None:
        """Begin below the headings."""
        self._headings = headings
        self._idle: Set[int] = set()
        self._found: List[Tuple[str, Place, Dict[str, Any]]] = []
        self._unread: List[str] = []

    def read(self, line: str, cells: List[str]) -> None:
        """Take the next row."""
        idle = _IDLE.fullmatch(cells[0]) if len(cells) == 1 else None
        if idle:
            self._idle.add(int(idle.group(1)))
            return
        row = dict(zip(self._headings, cells)) if len(cells) == len(self._headings) else {}
        place = tuple(whole(word) for word in row.get("NPU Chip", "").split())
        pid = whole(row.get(HEADING))
        if len(place) != 2 or None in place or pid is None:
            self._unread.append(line)
            return
        process = {
            "pid": pid,
            "name": row.get("Process name") or None,
            "mib": whole(row.get("Process memory(MB)")),
            "unit": None,
        }
        self._found.append((line, place, process))

    def give(self, devices: List[Dict[str, Any]]) -> List[str]:
        """
        Put each process on its chip, and return the lines that nobody understood.

        A chip is idle when its card is said to be, or when all that was read of its card is on
        another chip; of any other nothing is known.
        """
        places = [(device["npu"], device["chip"]) for device in devices]
        busy = {place[0] for _, place, _ in self._found}
        for device, place in zip(devices, places):
            mine = [process for _, there, process in self._found if there == place]
            idle = place[0] in self._idle or (place[0] in busy and not self._unread)
            device["processes"] = mine or ([] if idle and None not in place else None)
        return self._unread + [line for line, there, _ in self._found if there not in places]
