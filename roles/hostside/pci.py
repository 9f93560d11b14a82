"""Accelerators that are plugged in, with or without a driver, as the kernel sees them."""

from __future__ import annotations

import os

import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

ROOT = "/sys/bus/pci/devices"
NVSWITCH = "NVSwitch"
_NVIDIA, _HUAWEI = "0x10de", "0x19e5"
_DISPLAY, _ACCELERATOR, _BRIDGE = "0x03", "0x12", "0x0680"
_ASCEND = {"0xd802": "Ascend 910B", "0xd801": "Ascend 910A", "0xd100": "Ascend 310"}
_ASCEND_310P = "0xd500"
_ATLAS = {"0x0110": "Atlas 300I DUO", "0x0100": "Atlas 300I Pro"}
_SLOT = r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2})(?:\.([0-7]))?"


def read(root: str = ROOT) -> List[Dict[str, Any]]:
    """Return every display controller, processing accelerator and NVSwitch, by slot."""
    return [_card(root, slot) for slot in glance.names(root) if _wanted(root, slot)]


def numa(slot: str, root: str = ROOT) -> int | None:
    """Return the memory node that a card is nearest to, ``None`` when the machine does not say."""
    node = _text(root, slot, "numa_node")
    return int(node) if node and node.isdigit() else None


def slot_of(text: str) -> str | None:
    """Return a slot as the kernel writes it, whoever wrote it: ``00000000:3B:00.0``, ``3b:00``."""
    # Vendors' tools write it in a way of their own; a host without cards has none to read.
    import re

    found = re.fullmatch(_SLOT, text.strip(), re.IGNORECASE)
    if not found:
        return None
    domain, device, function = found.groups()
    return "{:04x}:{}.{}".format(int(domain or "0", 16), device.lower(), function or "0")


def _card(root: str, slot: str) -> Dict[str, Any]:
    card: Dict[str, Any] = {
        "slot": slot,
        "vendor": _text(root, slot, "vendor"),
        "device": _text(root, slot, "device"),
        "subvendor": _text(root, slot, "subsystem_vendor"),
        "subdevice": _text(root, slot, "subsystem_device"),
        "class": _text(root, slot, "class"),
        "driver": _driver(root, slot),
        "numa": numa(slot, root),
    }
    return dict(card, what=_what(card))


def _wanted(root: str, slot: str) -> bool:
    """Say whether to look any further: a host has hundreds of devices, and files of each."""
    kind = _text(root, slot, "class") or ""
    if kind.startswith(_BRIDGE):
        return _text(root, slot, "vendor") == _NVIDIA
    return kind.startswith((_DISPLAY, _ACCELERATOR))


def _what(card: Dict[str, Any]) -> str | None:
    kind, device = card["class"] or "", card["device"]
    if card["vendor"] == _NVIDIA:
        if kind.startswith(_BRIDGE):
            return NVSWITCH
        return "NVIDIA GPU" if kind.startswith(("0x0300", "0x0302")) else None
    if card["vendor"] != _HUAWEI:
        return None
    if device == _ASCEND_310P:
        return _ATLAS.get(card["subdevice"], "Ascend 310P")
    return _ASCEND.get(device)


def _driver(root: str, slot: str) -> str | None:
    try:
        return os.path.basename(os.readlink(os.path.join(root, slot, "driver")))
    except OSError:
        return None


def _text(root: str, slot: str, name: str) -> str | None:
    # A card may go while it is looked at.
    return glance.text(os.path.join(root, slot, name))
