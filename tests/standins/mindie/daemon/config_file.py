"""
The settings' file: which it is, and what MindIE asks of it before it reads it.

After ``GetConfigPath`` of ``common_util.cpp``, ``RegularFilePath`` and ``IsFileValid`` of
``file_utils.cpp``. ``MINDIE_CHECK_INPUTFILES_PERMISSION=0`` relaxes nothing here.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from tests.standins.openai.server.errors import StartError

from . import installation, journal

_MOST_BYTES = 4294967296
_WHO = ("Owner permission", "Owner group permission", "Other group permission")


def path(given: str | None) -> Path:
    """Return the file that is to be read; every word of why not is said."""
    wanted = given or os.environ.get("MIES_CONFIG_JSON_PATH")
    found = Path(wanted or installation.home() / "conf/config.json")
    told = refusal(found)
    if told:
        journal.say(told)
        journal.say("ConfigManager: Get config path failed.")
        raise StartError(told)
    journal.say(f"ConfigManager: Load Config from {found.resolve()}.")
    return found.resolve()


def refusal(file: Path, *, base: Path = Path("/"), most: int = 0o640) -> str | None:
    """Return why a file is not read; ``None`` when it is."""
    name = file.name
    if file.is_symlink():
        return f"The file: {name} is a link."
    if not file.exists():
        return f"The input file: {name} is not a regular file or not exists"
    if not file.resolve().is_relative_to(base.resolve()):
        return f"The file: {name} is invalid, it's not in baseDir directory."
    found = file.stat()
    if not file.is_dir() and not 1 <= found.st_size <= _MOST_BYTES:
        journal.warn(f"Input data size({found.st_size}) out of range[1,{_MOST_BYTES}].")
        return f"Read input file: {name} failed, file is too large"
    told = _owner(found) or _mode(file, found, most)
    return f"Check path: {name} failed, by:{told}" if told else None


def _owner(found: os.stat_result) -> str | None:
    if found.st_uid == os.getuid():
        return None
    return (
        f"owner id diff: current process user id is {os.getuid()}, file owner id is {found.st_uid}"
    )


def _mode(file: Path, found: os.stat_result, most: int) -> str | None:
    mode = stat.S_IMODE(found.st_mode) & 0o777
    for who, shift in zip(_WHO, (6, 3, 0), strict=True):
        has, may = mode >> shift & 7, most >> shift & 7
        if has & ~may:
            return (
                f" Check {who} failed: {file} current permission is {has}, but required no "
                f"greater than {may}. Required permisssion is {most:o}, but got permission is "
                f"{mode:o}"
            )
    return None


def read(file: Path) -> dict[str, Any]:
    """Return what the file holds; comments, which the vendor's examples have, are no JSON."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        journal.say("Json file is invalid. Please check json format! ")
        raise StartError("Failed to initialize ServerConfig from JSON.")
    return found
