"""
What ``npu-smi`` prints, read: the tables of A2 cards and of 310P cards, and of chips by number.

Widths and spaces differ from release to release, so that a row is told by its cells. What is not
understood is kept in ``unknown``, a line each; a number that cannot be read is ``None``.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple

_VERSION = re.compile(r"\|\s*npu-smi\s+(\S+)\s+Version:")
_PROCESSES = re.compile(r"^\|\s*NPU\s+Chip\s*\|\s*Process id")
# A name has three characters at least; a row that begins with two small numbers is a second one.
_NAMED = re.compile(r"^(\d+)\s+(\S{3,})$")
_SLOT = re.compile(r"^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]$")
_USED = r"(\d+)\s*/\s*(\d+)"
_IDLE = re.compile(r"^No running processes found in NPU\s+(\d+)$")
_MAPPED = re.compile(r"^\s*(\d+)\s+(\d+)\s+(\d+|-)\s+(\S.*?)\s*$")
# What it prints in the place of a table.
_FAILURES = (
    (r"dcmi module initialize failed\. ret is (-?\d+)", "dcmi-not-initialised"),
    (r"DrvMngGetConsoleLogLevel failed\. \(ret=(\d+)\)", "driver-does-not-answer"),
    (r"Invalid card id()\.", "invalid-card"),
    (r"Error parameter of (-\w)", "invalid-argument"),
)


def parse_info(text: str) -> Dict[str, Any]:
    """Return what ``npu-smi info`` says: version, error, devices, and lines nobody understood."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    version = next((found.group(1) for found in map(_VERSION.match, lines) if found), None)
    table = _Table()
    for line in lines:
        table.read(line)
    table.end()
    error = None
    if not table.devices:
        error = _failure(text, lines)
    devices = [_finished(device, table.devices) for device in table.devices]
    return {"npu_smi": version, "error": error, "devices": devices, "unknown": table.unknown}


def parse_map(text: str) -> List[Dict[str, Any]]:
    """Return the chips of ``npu-smi info -m``; ``logic`` is ``None`` for a card's controller."""
    found = []
    for row in map(_MAPPED.match, text.splitlines()):
        if row:
            npu, chip, logic, name = row.groups()
            number = None if logic == "-" else int(logic)
            found.append({"npu": int(npu), "chip": int(chip), "logic": number, "name": name})
    return found


def parse_health(text: str) -> Dict[str, Any] | None:
    """Return codes and words of ``npu-smi info -t health``, ``None`` when there are none."""
    codes: List[str] = []
    words: List[str] = []
    key = ""
    for line in text.splitlines():
        before, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            continue
        # A line without a key continues the one before.
        key = before or key
        if value in ("", "NA"):
            continue
        if key == "Error Code":
            codes += value.split()
        elif key == "Error Information":
            words.append(value)
    return {"codes": codes, "text": "; ".join(words)} if codes or words else None


class _Table:
    """The rows of ``npu-smi info``, two a chip, then those of processes."""

    def __init__(self) -> None:
        self.devices: List[Dict[str, Any]] = []
        self.unknown: List[str] = []
        self.hbm: bool | None = None
        self.first: Tuple[str, List[str]] | None = None
        self.processes = False

    def read(self, line: str) -> None:
        """Take the next line."""
        if set(line) <= set("+-="):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if _PROCESSES.match(line):
            self.end()
            self.processes = True
        elif _VERSION.match(line) or re.match(r"^\|\s*NPU\s+Name\s*\|", line):
            return
        elif re.match(r"^\|\s*Chip\b.*\|\s*Bus-Id\s*\|", line):
            self.hbm = "HBM-Usage" in line
        elif self.hbm is None:
            return  # before the table: whatever was printed is told as an error, if there is none
        elif self.processes:
            self._process(line, cells)
        elif len(cells) == 3 and _SLOT.match(cells[1]):
            self._second(line, cells)
        else:
            self.end()
            self.first = (line, cells)

    def end(self) -> None:
        """Keep a first row whose second one did not come: a chip that is there, and no more."""
        if self.first is None:
            return
        line, cells = self.first
        self.first = None
        self.unknown.append(line)
        if _NAMED.match(cells[0]) and line.startswith("|"):
            self.devices.append(_device(cells, None, bool(self.hbm)))

    def _second(self, line: str, cells: List[str]) -> None:
        if self.first is None or not _NAMED.match(self.first[1][0]):
            # What is in this slot is not known, but something is.
            self.end()
            self.unknown.append(line)
            self.devices.append(_device([], cells, bool(self.hbm)))
            return
        before, first = self.first
        self.first = None
        device = _device(first, cells, bool(self.hbm))
        self.devices.append(device)
        if len(first) != 3 or device["health"] is None:
            self.unknown.append(before)
        if device["chip"] is None or device["total_mib"] is None:
            self.unknown.append(line)

    def _process(self, line: str, cells: List[str]) -> None:
        idle = _IDLE.match(cells[0])
        if idle:
            self._on(int(idle.group(1)), None, [])
            return
        where = re.match(r"^(\d+)\s+(\d+)$", cells[0])
        if where is None or len(cells) < 4 or not cells[1].isdigit():
            self.unknown.append(line)
            return
        process = {
            "pid": int(cells[1]),
            "name": cells[2],
            "mib": int(cells[3]) if cells[3].isdigit() else None,
        }
        if not self._on(int(where.group(1)), int(where.group(2)), [process]):
            self.unknown.append(line)

    def _on(self, npu: int, chip: int | None, processes: List[Dict[str, Any]]) -> bool:
        there = [
            device
            for device in self.devices
            if device["npu"] == npu and (chip is None or device["chip"] in (chip, None))
        ]
        for device in there:
            device["processes"] = [*(device["processes"] or []), *processes]
        return bool(there)


def _device(first: List[str], second: List[str] | None, hbm: bool) -> Dict[str, Any]:
    """Return a chip by its two rows, of which one may be missing."""
    found: Dict[str, Any] = dict.fromkeys(
        ("npu", "chip", "logic", "name", "health", "slot", "power_w", "temperature_c")
    )
    found.update(dict.fromkeys(("aicore_percent", "total_mib", "used_mib", "free_mib")))
    found.update(hugepages=None, processes=None, memory_total=None)
    named = _NAMED.match(first[0]) if first else None
    if named:
        found.update(npu=int(named.group(1)), name=named.group(2))
    if len(first) == 3:
        found["health"] = first[1] or None
        said = re.match(r"^(\S+)\s+(\S+)\s+" + _USED + "$", first[2])
        if said:
            found["power_w"], found["temperature_c"] = _number(said.group(1)), _whole(said.group(2))
            found["hugepages"] = [int(said.group(3)), int(said.group(4))]
    if second:
        found["slot"] = second[1].lower()
        chip = re.match(r"^(\d+)(?:\s+(\d+))?$", second[0])
        if chip:
            found["chip"] = int(chip.group(1))
            found["logic"] = int(chip.group(2)) if chip.group(2) else None
        _memory(found, second[2], hbm)
    return found


def _memory(found: Dict[str, Any], cell: str, hbm: bool) -> None:
    pattern = r"^(\S+)\s+" + _USED + (r"\s+" + _USED if hbm else "") + "$"
    said = re.match(pattern, cell)
    if said is None:
        return
    found["aicore_percent"] = _whole(said.group(1))
    found["memory_total"] = int(said.group(3))
    used, total = int(said.group(2)), int(said.group(3))
    # Models lie in HBM where a card has it; Memory-Usage is then of the card's own computer.
    if hbm and int(said.group(5)):
        used, total = int(said.group(4)), int(said.group(5))
    if total:
        found.update(used_mib=used, total_mib=total, free_mib=total - used)


def _finished(device: Dict[str, Any], devices: List[Dict[str, Any]]) -> Dict[str, Any]:
    memory = device.pop("memory_total")
    chips = [one for one in devices if device["npu"] is not None and one["npu"] == device["npu"]]
    device["kind"] = _kind(device["name"] or "", memory, len(chips))
    device["health"] = device["health"] or "unknown"
    return device


def _kind(name: str, memory: int | None, chips: int) -> str:
    if re.match(r"^910B\d", name):
        return "a2"
    # Cards of the generation before may call themselves so; A2 has no memory beside its HBM.
    if name == "910B" and memory:
        return "910a"
    if re.match(r"^910(A|Pro|Premium)", name):
        return "910a"
    if name.startswith("310P"):
        return "duo" if chips == 2 else "310p"
    return "unknown"


def _failure(text: str, lines: List[str]) -> Dict[str, Any]:
    for pattern, name in _FAILURES:
        found = re.search(pattern, text)
        if found:
            number = found.group(1)
            code = int(number) if re.match(r"^-?\d+$", number) else None
            return {"code": code, "name": name, "text": " ".join(lines)[:500]}
    said = " ".join(lines)[:500]
    return {"code": None, "name": "no-devices", "text": said or "npu-smi printed nothing"}


def _number(word: str) -> float | None:
    return float(word) if re.match(r"^-?\d+(\.\d+)?$", word) else None


def _whole(word: str) -> int | None:
    return int(word) if re.match(r"^-?\d+$", word) else None
