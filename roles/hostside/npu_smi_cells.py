"""Cells of what ``npu-smi`` prints, and the numbers in them."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


def split(line: str) -> List[str]:
    """Return the cells of a row; one that the end of the text cut off is none."""
    return [cell.strip() for cell in line.split("|")[1:-1]]


def values(headings: List[str], cells: List[str]) -> Dict[str, str]:
    """
    Return heading → value.

    Several headings share a cell, ``Power(W) Temp(C)``; a cell with another number of values has
    none. A row with another number of cells than headings is believed in its first cell alone.
    """
    found: Dict[str, str] = {}
    for heading, cell in zip(headings, cells if len(cells) == len(headings) else cells[:1]):
        labels = heading.split()
        # The last is a name, which may have spaces; of numbers, pairs as 29096/ 32768 may.
        named = labels[-1:] == ["Name"] or len(labels) == 1
        words = cell.split(None, len(labels) - 1) if named else _joined(cell).split()
        if len(words) == len(labels):
            found.update(zip(labels, words))
    return found


def numbers_only(cells: List[str]) -> bool:
    """Say whether a row holds nothing but numbers, and what stands for none: ``NA``, ``-``."""
    words = " ".join(cells).replace("/", " ").split()
    return bool(words) and all(word in ("NA", "-") or _DECIMAL.fullmatch(word) for word in words)


def whole(word: str | None) -> int | None:
    """Return a number, ``None`` of anything else."""
    return int(word) if word and _WHOLE.fullmatch(word) else None


def decimal(word: str | None) -> float | None:
    """Return a number that may have decimals, ``None`` of anything else."""
    return float(word) if word and _DECIMAL.fullmatch(word) else None


def pair(text: str | None) -> Tuple[Any, Any]:
    """Return the numbers of ``29096/ 32768``, each ``None`` where it is none."""
    used, _, total = _joined(text or "").partition("/")
    return whole(used), whole(total)


def _joined(text: str) -> str:
    return re.sub(r"\s*/\s*", "/", text)
