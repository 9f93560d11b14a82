"""Values of one GPU in the output of ``nvidia-smi``, and what became of those that are none."""

from __future__ import annotations

import re
from typing import Any, Dict, List
from xml.etree.ElementTree import Element

import smi_tree

_NONE = ("n/a", "not supported", "requested functionality has been deprecated")
_WHOLE_DEVICE = {
    "gpu is lost": {"code": 15, "name": "gpu-is-lost"},
    "gpu requires reset": {"code": 16, "name": "reset-required"},
}
_FLAGS = {
    "enabled": True, "yes": True, "active": True,
    "disabled": False, "no": False, "not active": False,
}  # fmt: skip


class Values:
    """
    Looks values up by paths, of which each is what some driver calls them.

    ``error`` is of the whole device, ``unsupported`` are paths that stand there without a value,
    ``unknown`` what stands there and is none (``ERR!``), by path.
    """

    def __init__(self, gpu: Element) -> None:
        """Read the element of one GPU."""
        self.gpu = gpu
        self.error: Dict[str, Any] | None = None
        self.unsupported: List[str] = []
        self.unknown: Dict[str, str] = {}

    def text(self, *paths: str) -> str | None:
        """Return the first value that stands there."""
        for path in paths:
            said = (self.gpu.findtext(path) or "").strip()
            plain = said.strip("[]").lower()
            if plain in _NONE:
                self.unsupported.append(path)
            elif plain in _WHOLE_DEVICE:
                self.error = self.error or dict(_WHOLE_DEVICE[plain], text=said)
            elif plain in ("err!", "unknown error", "error"):
                self.unknown[path] = said
            elif said:
                return said
        return None

    def number(self, *paths: str) -> float | None:
        """Return a number, whatever its unit."""
        for path in paths:
            said = self.text(path)
            found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?: [A-Za-z%()]+)?", said) if said else None
            if found:
                return float(found.group(1))
            if said:
                self.unknown[path] = said
        return None

    def whole(self, *paths: str) -> int | None:
        """Return a whole number."""
        found = self.number(*paths)
        return None if found is None else int(found)

    def flag(self, *paths: str) -> bool | None:
        """Return what is on or off."""
        for path in paths:
            said = self.text(path)
            if said and said.lower() in _FLAGS:
                return _FLAGS[said.lower()]
            if said:
                self.unknown[path] = said
        return None

    def section(self, path: str) -> Element | None:
        """Return a list or table, ``None`` when there is none or the output ends within it."""
        found = self.gpu.find(path)
        if found is None:
            return None
        if smi_tree.OPEN in found.attrib:
            self.unknown[path] = "the output ends within it"
            return None
        said = (found.text or "").strip()
        if said in ("", "None"):
            return found
        # A word in the place of a table, which says why there is none.
        if self.text(path) is not None:
            self.unknown[path] = said
        return None

    def mig_devices(self) -> List[Element] | None:
        """Return the parts of a card, ``None`` when the output ends where more could follow."""
        found = self.gpu.findall("mig_devices/mig_device") + self.gpu.findall("mig_device")
        last = [part for part in self.gpu if part.tag in ("mig_mode", "mig_devices", "mig_device")]
        cut = smi_tree.OPEN in self.gpu.attrib and last[-1:] == list(self.gpu)[-1:]
        return None if cut else found
