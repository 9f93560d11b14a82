"""The fabric manager, without which CUDA does not start beside NVSwitches."""

from __future__ import annotations

import os
import re
import subprocess

import pci
import places
import service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

UNIT = "nvidia-fabricmanager.service"
_WITHIN_S = 10.0


def read(cards: List[Dict[str, Any]], root: str = "/") -> Dict[str, Any] | None:
    """
    Return unit, state and version; ``None`` when there is neither a unit nor an NVSwitch.

    :param cards: what is plugged in
    :param root: the folder in the place of ``/``
    """
    folders = ("usr/lib/systemd/system", "lib/systemd/system", places.UNITS.lstrip("/"))
    installed = any(os.path.exists(os.path.join(root, folder, UNIT)) for folder in folders)
    if not installed and all(card["what"] != pci.NVSWITCH for card in cards):
        return None
    return {
        "unit": UNIT,
        "active": installed and _active(),
        "version": _version() if installed else None,
    }


def _active() -> bool:
    try:
        return service.active(UNIT)
    except OSError:  # no systemd at all
        return False


def _version() -> str | None:
    try:
        said = subprocess.run(
            ["nv-fabricmanager", "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_WITHIN_S,
            errors="replace",
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Fabric Manager version is\s*:\s*(\d[\w.]*)", said)
    return found.group(1) if found else None
