"""
A stand-in of npu-smi: it prints what a file says of the chips, in the vendor's layouts.

The file is what ``npu.py`` leaves on a host. How npu-smi ends when it fails is not known; it ends
with 1 here, and says what it says on its standard output.
"""

import json
import os
import re
import sys
from pathlib import Path

from .queries import board, cards, common, health, listing, mapping, usages
from .tables import RUNNING, Chip, table

STATE = "/var/lib/standin/ascend/npus.json"
MODULE = "/sys/module/drv_pcie_host/version"
NODE = "/dev/davinci_manager"
USAGE = "Usage: npu-smi info <watch|proc|-h|-m|-l|-t type> [Options...]"


class UsageError(Exception):
    """What npu-smi says before it ends."""


def ask(words: list[str], chips: list[Chip], tool: str, driver: str, firmware: str) -> str:
    """Answer a command."""
    if not words or words[0] != "info":
        raise UsageError(USAGE)
    if words[1:] == []:
        return table(chips, tool, driver)
    if words[1:] == ["-m"]:
        return mapping(chips)
    if words[1:] == ["-l"]:
        return listing(chips)
    options = dict(zip(words[1::2], words[2::2], strict=False))
    of, chip = options.get("-i", ""), options.get("-c", "-1" if "-c" not in words else "")
    kind = options.get("-t", "")
    if kind not in ("common", "usages", "board", "health"):
        raise UsageError(f"Error parameter of -t\n{USAGE}")
    if not of.isdigit():
        raise UsageError(f"Error parameter of -i\n{USAGE}")
    if int(of) not in cards(chips):
        raise UsageError("Invalid card id.")
    if not re.fullmatch(r"-1|\d+", chip) or int(chip) >= len(cards(chips)[int(of)]):
        raise UsageError(f"Error parameter of -c\n{USAGE}")
    if kind == "health":
        return health(cards(chips)[int(of)][max(int(chip), 0)])
    if kind == "board":
        return board(chips, int(of), int(chip), driver, firmware)
    return common(chips, int(of)) if kind == "common" else usages(chips, int(of))


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def main() -> int:
    """See the module."""
    tool, driver = _text(Path(__file__).parent / "version"), _text(MODULE)
    root = _text("/lib/davinci.conf").partition("=")[2]
    if os.geteuid() != 0 and not os.access(NODE, os.R_OK | os.W_OK):
        print("DrvMngGetConsoleLogLevel failed. (ret=4)")
        driver = ""
    # A driver that was installed over the one that runs does not speak to it, nor does one of
    # which not everything reached the disk.
    whole = _text(f"{root}/driver/lib64/driver/libdrvdsmi_host.so")
    if not driver or driver != tool or not whole:
        print("dcmi module initialize failed. ret is -8005")
        return 1
    chips = json.loads(_text(STATE))["devices"]
    try:
        print(ask(sys.argv[1:], chips, tool, driver, _text(f"{RUNNING}/firmware") or "NA"))
    except UsageError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
