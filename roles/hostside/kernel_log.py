"""
What NVIDIA's driver complained of in the kernel's log: its numbered errors, XIDs.

``NVRM: Xid (PCI:0000:3b:00): 79, pid=812, GPU has fallen off the bus.``; old drivers leave out
``PCI:``, and with MIG ``GPU-I:05`` follows the slot. Errors of NVSwitches (``SXid``) are numbered
apart and not among them.
"""

from __future__ import annotations

import re
import subprocess

import pci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

NEWEST = 50
_WITHIN_S = 20.0
_TOOLS = (
    ("journalctl", "-k", "-b", "-o", "short-monotonic", "--no-pager", "-q"),
    ("dmesg",),
)
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9A-Fa-f:.]+)[^)]*\): (\d+),(.*)")
# dmesg and journalctl, also behind a date; a record of /dev/kmsg, in microseconds.
_SECONDS = re.compile(r"\[ *(\d+\.\d+)\]")
_RECORD = re.compile(r"\d+,\d+,(\d+),[^;]*;")


def read() -> List[Dict[str, Any]] | None:
    """Return the newest XIDs of this boot, oldest first; ``None`` when no log can be read."""
    for tool in _TOOLS:
        text = _said(*tool)
        # A log in which nothing at all stands was not shown to us.
        if text.strip():
            return parse(text)
    return None


def parse(text: str) -> List[Dict[str, Any]]:
    """Return the newest XIDs of a log, oldest first; ``at_s`` is ``None`` without seconds."""
    found = []
    for line in text.splitlines():
        xid = _XID.search(line)
        slot = pci.slot_of(xid.group(1)) if xid else None
        if xid and slot:
            number, said = int(xid.group(2)), xid.group(3).strip()
            at_s = _at_s(line[: xid.start()])
            found.append({"at_s": at_s, "slot": slot, "xid": number, "text": said})
    return found[-NEWEST:]


def _at_s(before: str) -> float | None:
    record = _RECORD.match(before)
    if record:
        return int(record.group(1)) / 1e6
    seconds = _SECONDS.search(before)
    return float(seconds.group(1)) if seconds else None


def _said(*words: str) -> str:
    """Return what a tool printed, nothing when it is not there, refused or hung."""
    try:
        done = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WITHIN_S,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
