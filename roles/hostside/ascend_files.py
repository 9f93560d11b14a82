"""What of the company of Ascend's driver is on a host, whether or not there is a driver."""

from __future__ import annotations

import os

import glance
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
        "tools": [name for name in _TOOLS if glance.program(name)],
        "user": _user(root),
        "environments": [
            name[: -len(".environment")]
            for name in glance.names(places.environments(), ".environment")
        ],
        "settings": dict(_settings()),
    }


def _settings() -> Iterator[Tuple[str, str]]:
    folder, _, named = places.settings_from("*").rpartition("/")
    begin, end = named.split("*")
    for name in glance.names(folder, end):
        if name.startswith(begin):
            with open(folder + "/" + name) as file:
                yield name[len(begin) : -len(end)], file.read().strip()


def _user(root: str) -> bool:
    """Say whether the user is there that the driver's processes run as."""
    try:
        with open(os.path.join(root, "etc/passwd"), errors="replace") as file:
            return any(line.startswith(_USER + ":") for line in file)
    except OSError:
        return False
