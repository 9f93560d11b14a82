"""
The table of ``npu-smi info``, read by its own headings.

A chip has two rows: card, name, health, power; then chip, address, load, memory. On 910B cards
the second ends in HBM; on 310P cards it begins with the number that programs use as well. Widths
differ from release to release and cells may overflow, so that nothing is told by its column. The
tool leaves a chip's first row out when its health does not answer, and the second when its number
does not: either row alone is a chip of which the rest is unknown.
"""

from __future__ import annotations

import re

import npu_smi_cells
import npu_smi_processes
import pci
from npu_smi_cells import decimal, pair, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Set

    Values = Dict[str, str]

UNKNOWN = "unknown"
_BANNER = re.compile(r"npu-smi\s+(\S+)\s+Version:\s*(\S+)")
_RULE = re.compile(r"\+[-=+]*")
_CARD, _CHIP = "NPU Name", "Chip"
_CARD_LABELS = {"NPU", "Name", "Health", "Power(W)", "Temp(C)", "Hugepages-Usage(page)"}
_CHIP_LABELS = {"Chip", "Bus-Id", "AICore(%)", "Memory-Usage(MB)"}
_CHIP_FURTHER = {"Device", "HBM-Usage(MB)"}
_HEALTH = "Health"
_WORDS = ("Name", _HEALTH, "Bus-Id")
_HBM, _MEMORY = "HBM-Usage(MB)", "Memory-Usage(MB)"


class Table:
    """
    What was read so far.

    ``unknown`` are lines that nobody understood, or not all of. ``whole`` is false when the text
    ends before the rule that closes its last chip. ``loaded`` is the driver that answered.
    """

    def __init__(self) -> None:
        """Begin before the first line."""
        self.version: str | None = None
        self.loaded: str | None = None
        self.devices: List[Dict[str, Any]] = []
        self.unknown: List[str] = []
        self.whole = True
        self._cards: List[str] = []
        self._chips: List[str] = []
        self._first: Values = {}
        self._open = ""
        self._processes: npu_smi_processes.Processes | None = None

    def read(self, line: str) -> None:
        """Take the next line."""
        line = line.strip()
        cells = npu_smi_cells.split(line)
        is_closed = line.endswith("|")
        if _RULE.fullmatch(line):
            self._end()
            self.whole = True
        elif not line.startswith("|"):
            # Words between the rows of a chip, as the kernel's on a console, do not part them.
            self.unknown += [line] if line else []
        elif is_closed and self._heading(line, [" ".join(cell.split()) for cell in cells]):
            self._end()
        elif self._processes:
            self._processes.read(line, cells if is_closed else [])
        else:
            self.whole = False
            self._row(line, cells if is_closed else cells[:1])

    def finish(self) -> List[Dict[str, Any]]:
        """Return the chips, with what runs on them and the kinds of their cards."""
        self._end()
        if self._processes:
            self.unknown += self._processes.give(self.devices)
        tell_cards(self.devices)
        return self.devices

    def _heading(self, line: str, cells: List[str]) -> bool:
        banner = _BANNER.search(line)
        if banner and len(cells) == 1:
            self.version, self.loaded = banner.groups()
        elif npu_smi_processes.HEADING in cells:
            self._processes = npu_smi_processes.Processes(cells)
        elif cells[:1] == [_CARD]:
            self._cards = cells
            self.unknown += [] if _labels(cells) == _CARD_LABELS else [line]
        elif self._cards and cells and re.match(_CHIP + r"\b", cells[0]):
            self._chips = cells
            known = _labels(cells) - _CHIP_FURTHER == _CHIP_LABELS
            self.unknown += [] if known else [line]
        else:
            return False
        return True

    def _row(self, line: str, cells: List[str]) -> None:
        numbers = npu_smi_cells.numbers_only(cells)
        if any(pci.slot_of(cell) for cell in cells) or (numbers and self._first):
            first, self._first = self._first, {}
            second = npu_smi_cells.values(self._chips or [_CHIP], cells)
            if not first or not _whole(self._chips, cells, second):
                self.unknown.append(line)
            self.devices.append(_device(first, second))
        elif cells and not numbers and re.match(r"[0-9]+\s+\S", cells[0]):
            self._end()
            self._first = npu_smi_cells.values(self._cards or [_CARD], cells)
            self._open = line
            if _HEALTH not in self._cards:
                # Half of what a cell says is no health.
                self._first.pop(_HEALTH, None)
            if not _whole(self._cards, cells, self._first):
                self.unknown.append(line)
        else:
            self.unknown.append(line)

    def _end(self) -> None:
        """Keep a first row whose second one did not come."""
        if self._first:
            self.unknown += [self._open] if self._open not in self.unknown else []
            self.devices.append(_device(self._first, {}))
            self._first = {}


def tell_cards(devices: List[Dict[str, Any]]) -> None:
    """Tell the kind of each card of 310P chips: a DUO has another chip beside number 0."""
    chips = [device for device in devices if (device["name"] or "").startswith("310P")]
    for device in chips:
        card = [chip["chip"] for chip in chips if chip["npu"] == device["npu"]]
        device["kind"] = "duo" if len(card) > 1 or any(card) else "310p"
        if device["npu"] is None:
            device["kind"] = UNKNOWN


def kind_of(name: str, memory_mib: int | None) -> str:
    """
    Return what a chip is, but for 310P, of which ``tell_cards`` tells the card.

    :param memory_mib: memory beside the HBM, which the chips that call themselves 910B1 to 910B4
        do not have, and the generation before them, which may call itself 910B, does
    """
    if re.match(r"910B[1-4]", name):
        return "a2"
    if re.match(r"910(A|Pro|Premium)", name) or (name == "910B" and memory_mib):
        return "910a"
    return UNKNOWN


def unread(npu: int, chip: int | None, logic: int | None, name: str) -> Dict[str, Any]:
    """Return a chip that is known to be there, and nothing else of it."""
    return dict(_device({"Name": name}, {}), npu=npu, chip=chip, logic=logic)


def _labels(headings: List[str]) -> Set[str]:
    return set(" ".join(headings).split())


def _whole(headings: List[str], cells: List[str], found: Values) -> bool:
    """Say whether every cell of a row was read, and holds numbers where there should be some."""
    numbers = [value for label, value in found.items() if label not in _WORDS]
    labels = " ".join(headings).split()
    whole = len(cells) == len(headings) and len(found) == len(labels)
    return whole and npu_smi_cells.numbers_only(numbers)


def _device(first: Values, second: Values) -> Dict[str, Any]:
    """Return a chip by its rows, each of which may be empty."""
    name = first.get("Name")
    # Models lie in the HBM where there is one.
    used, total = pair(second.get(_HBM, second.get(_MEMORY)))
    pages = pair(first.get("Hugepages-Usage(page)"))
    return {
        "npu": whole(first.get("NPU")),
        "chip": whole(second.get("Chip")),
        "logic": whole(second.get("Device")),
        "name": name,
        "kind": kind_of(name or "", pair(second.get(_MEMORY))[1]),
        "health": first.get(_HEALTH, UNKNOWN),
        "health_detail": None,
        "roce": None,
        "slot": pci.slot_of(second.get("Bus-Id", "")),
        "power_w": decimal(first.get("Power(W)")),
        "temperature_c": whole(first.get("Temp(C)")),
        "aicore_percent": whole(second.get("AICore(%)")),
        "total_mib": total,
        "used_mib": used,
        "free_mib": None if None in (used, total) else max(total - used, 0),
        "hugepages": None if None in pages else list(pages),
        "processes": None,
    }
