"""The answers of ``npu-smi`` and ``hccn_tool`` beside the table: numbers, health, links."""

from __future__ import annotations

import re

from npu_smi_cells import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

# Newer chips have further columns, and some have no logic id.
_COLUMNS = ["NPU ID", "Chip ID", "Chip Logic ID", "Chip Name"]


def parse_map(text: str) -> List[Dict[str, Any]]:
    """
    Return the chips of ``npu-smi info -m``, card controllers (``Mcu``) among them.

    ``logic`` is the number that programs use; controllers have none. Of a row that is cut off or
    of another shape the card is told alone.
    """
    columns, found = _COLUMNS, []
    for line in text.splitlines():
        cells = re.split(r"\t+|\s{2,}", line.strip())
        if cells[0] == "NPU ID":
            columns = cells
        npu = whole(cells[0])
        if npu is None:
            continue
        row = dict(zip(columns, cells)) if len(cells) == len(columns) else {}
        found.append(
            {
                "npu": npu,
                "chip": whole(row.get("Chip ID", "")),
                "logic": whole(row.get("Chip Logic ID", "")),
                "name": row.get("Chip Name"),
            }
        )
    return found


def parse_health(text: str) -> Dict[str, Any] | None:
    """
    Return error codes and their words from ``npu-smi info -t health``, ``None`` from all else.

    The state that it prints is left alone: without a code it is turned into ``OK`` there, whatever
    the table says.
    """
    said: Dict[str, List[str]] = {}
    key = ""
    for line in text.splitlines():
        label, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            continue
        # A line without a key goes on with the one before.
        key = label or key
        said.setdefault(key, []).extend([value] if value not in ("", "NA") else [])
    if "Error Code" not in said:
        return None
    codes = " ".join(said["Error Code"]).replace(",", " ").split()
    return {"codes": codes, "text": "; ".join(said.get("Error Information", []))}


def parse_link(text: str) -> str | None:
    """Return ``UP`` or ``DOWN`` from ``hccn_tool -i N -link -g``, ``None`` from all else."""
    found = set(re.findall(r"^\s*link status\s*:\s*(UP|DOWN)\s*$", text, re.MULTILINE))
    return found.pop() if len(found) == 1 else None
