"""What of the company of Ascend's driver is on a host, whether or not there is a driver."""

from __future__ import annotations

import glob
import os
import shutil

import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Tuple

# What the vendor's installers look for, and what builds their module.
_TOOLS = (
    *("dkms", "gcc", "make", "lspci", "ifconfig", "pip3", "chkconfig", "update-rc.d"),
    *("apt-get", "dnf", "yum"),
)
_USER = "HwHiAiUser"


def read(root: str = "/") -> Dict[str, Any]:
    """
    Return all of it; ``environments`` are the stacks whose variables were captured, ``settings``
    which older MindIE's settings are still to come to a newer one's.
    """
    return {
        "tools": [name for name in _TOOLS if shutil.which(name)],
        "user": _user(root),
        "environments": sorted(
            os.path.basename(path)[: -len(".environment")]
            for path in glob.glob(places.environments() + "/*.environment")
        ),
        "settings": dict(_settings()),
    }


def _settings() -> Iterator[Tuple[str, str]]:
    before, _, after = places.settings_from("*").rpartition("*")
    for path in sorted(glob.glob(before + "*" + after)):
        with open(path) as file:
            yield path[len(before) : -len(after)], file.read().strip()


def _user(root: str) -> bool:
    """Say whether the user is there that the driver's processes run as."""
    try:
        with open(os.path.join(root, "etc/passwd"), errors="replace") as file:
            return any(line.startswith(_USER + ":") for line in file)
    except OSError:
        return False
