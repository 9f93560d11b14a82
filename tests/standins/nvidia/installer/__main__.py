"""The command line, from which comes what is to be done."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from . import disk, installation
from .options import parse
from .said import Abort, Asked, Failed, Said


def main(me: str, words: list[str]) -> int:
    """Return 1 where something was refused or failed."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _die)
    said = Said()
    try:
        asked = parse(words, said)
    except ValueError:
        said.error(
            "Invalid commandline, please run `./nvidia-installer --help` for usage information."
        )
        return 1
    if "version" in asked:
        print(f"\nnvidia-installer:  version {disk.VERSION}")
        print("  The NVIDIA Software Installer for Unix/Linux.\n")
        return 0
    if "print-recommended-kernel-module-type" in asked:
        print("open")
        return 0
    if not asked.keys() & {"silent", "no-questions", "driver-info"}:
        said.error("the stand-in asks no questions, it wants --silent or --no-questions")
        return 1
    said.silent = "silent" in asked
    uninstalls = "uninstall" in asked or me == "nvidia-uninstall"
    kind = "uninstall" if uninstalls else "installer"
    said.open(str(asked.get("log-file-name", f"/var/log/nvidia-{kind}.log")), words)
    if os.geteuid() != 0:
        said.error("nvidia-installer must be run as root")
        return 1
    if "driver-info" in asked:
        return _tell(said)
    return _uninstall(asked, said) if uninstalls else _install(asked, said)


def _install(asked: Asked, said: Said) -> int:
    if not disk.unpacked():
        said.error(
            "No package found for installation.  Please run this utility with the '--help' "
            "option for usage information."
        )
        return 1
    try:
        installation.install(asked, said)
    except Abort:
        return 1
    except Failed:
        said.error(
            f"Installation has failed.  Please see the file '{said.path}' for details.  You may "
            "find suggestions on fixing installation problems in the README available on the "
            "Linux driver download page at www.nvidia.com."
        )
        return 1
    return 0


def _uninstall(asked: Asked, said: Said) -> int:
    if disk.installed() is None:
        return _tell(said)
    if "skip-module-unload" not in asked:
        disk.run("rmmod", "nvidia")
    disk.uninstall(said)
    return 0


def _tell(said: Said) -> int:
    version = disk.installed()
    if version is None:
        said.message("There is no NVIDIA driver currently installed.")
    else:
        said.message(
            f"The currently installed driver is: '{disk.DESCRIPTION}' (version: {version})."
        )
    return 0


def _die(number: int, _frame: FrameType | None) -> None:
    os.write(2, f"Received signal {signal.Signals(number).name}; aborting.\n".encode())
    os._exit(128 + number)


sys.exit(main(sys.argv[1], sys.argv[2:]))
