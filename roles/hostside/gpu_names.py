"""Names of what NVIDIA numbers. A number that is not here is named too, and never means well."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List


COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
RECOVERIES = {
    0: "none", 1: "reset", 2: "reboot", 3: "drain-p2p", 4: "drain-and-reset",
    5: "recover-imex-domain", 6: "bus-reset", 7: "system-reboot",
}  # fmt: skip
THROTTLES = {
    0x001: "idle", 0x002: "applications-clocks", 0x004: "power-cap", 0x008: "hw-slowdown",
    0x010: "sync-boost", 0x020: "sw-thermal", 0x040: "hw-thermal", 0x080: "power-brake",
    0x100: "display-clock", 0x200: "board-limit", 0x400: "reliability",
}  # fmt: skip
FABRIC_STATES = {0: "not-supported", 1: "not-started", 2: "in-progress", 3: "completed"}
# Bits of the fabric's health that say so when they are 1 of 0 to 3.
FABRIC_ILLS = {0: "degraded-bandwidth", 2: "route-recovery", 4: "route-unhealthy", 6: "timeouts"}


def named(names: Dict[int, str], number: int) -> str:
    """Return the name of a number."""
    return names.get(number, "unknown-{}".format(number))


def throttles(bits: int) -> List[str]:
    """Return why clocks are lower than they could be."""
    every = [1 << place for place in range(bits.bit_length())]
    return [THROTTLES.get(bit, "unknown-{:#x}".format(bit)) for bit in every if bits & bit]


def ills(mask: int) -> List[str]:
    """Return what is wrong with a GPU's way to its NVSwitches."""
    return [ill for place, ill in FABRIC_ILLS.items() if mask >> place & 3 == 1]
