"""Whether a time daemon keeps this host's clock, asked of the kernel, whichever daemon it is."""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

# The kernel's own limit: with a larger error than this, no time daemon has set the clock for long.
_UNSYNCHRONISED_US = 16_000_000
_STEERED, _IN_NANOSECONDS = 0x0001, 0x2000


class Timex(ctypes.Structure):
    """``struct timex`` of Linux with 64 bits; what is behind ``tick`` is not asked for."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance")),
        *((name, ctypes.c_long) for name in ("seconds", "microseconds", "tick")),
        ("rest", ctypes.c_long * 16),
    )


def read() -> Dict[str, Any]:
    """Return what ``judged`` says of the kernel's clock, all ``None`` where it may not be asked."""
    found = Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(found)) < 0:
        return {"synchronised": None, "offset_s": None}
    return judged(found)


def judged(found: Timex) -> Dict[str, Any]:
    """
    Return whether a time daemon keeps the clock, by its error as ``timedatectl`` has it, and what
    is left to correct. chrony keeps that to itself: ``None``, as where nothing keeps the clock.
    """
    unit = 1e-9 if found.status & _IN_NANOSECONDS else 1e-6
    return {
        "synchronised": found.maxerror < _UNSYNCHRONISED_US,
        "offset_s": round(found.offset * unit, 9) if found.status & _STEERED else None,
    }
