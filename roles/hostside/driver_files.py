"""
What of NVIDIA's driver and of its company is installed, and what of it is in the kernel.

NVML tells nothing where these differ, or while a card is lost.
``root`` is the folder in the place of ``/``.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess

import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_NVIDIA = "0x10de"
_PERSISTENCE = "nvidia-persistenced.service"
_TOOLS = ("dkms", "gcc", "make", "nvidia-persistenced", "update-initramfs", "dracut")
_LIBRARIES = ("usr/lib/*-linux-gnu", "usr/lib64", "usr/lib")
# What may keep a module from being loaded; the first three are read by modprobe in this order.
_MODPROBE = ("etc/modprobe.d", "run/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d")
_OURS = re.compile(r"nvidia|^cuda-drivers|^linux-(image|headers)-")
_OFF = re.compile(r"^\s*(blacklist\s+nouveau|install\s+nouveau\s+/(usr/)?bin/(false|true))\s*$")


def read(root: str = "/") -> Dict[str, Any] | None:
    """Return all of it, ``None`` where no card of NVIDIA's is plugged in."""
    vendors = glob.glob(os.path.join(root, "sys/bus/pci/devices/*/vendor"))
    if not any(_NVIDIA in _lines(path) for path in vendors):
        return None
    return {
        "packages": packages(root),
        "library": library(root),
        "module": module(root),
        "loaded": loaded(root),
        "nouveau_off": nouveau_off(root),
        "persistence": persistence(root),
        "cdi": cdi(root),
        "tools": [name for name in _TOOLS if glance.program(name)],
    }


def packages(root: str = "/") -> Dict[str, Any] | None:
    """
    Return version, hold and wholeness of each package of NVIDIA's and of the kernel, by name.

    ``None`` where there is no dpkg. One that is not whole was cut short.
    """
    command = ["dpkg-query", "--admindir=" + os.path.join(root, "var/lib/dpkg"), "--show"]
    command += ["--showformat=${db:Status-Abbrev}\\t${Package}\\t${Version}\\n"]
    try:
        said = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30
        ).stdout
    except FileNotFoundError:
        return None
    return parsed(said)


def parsed(said: str) -> Dict[str, Any]:
    """Return what a line of dpkg-query a package says: of what is there, and is ours to know."""
    found = {}
    for row in said.splitlines():
        state, name, version = row.split("\t")
        # Wanted, is, and a third letter that is blank unless it has to be installed anew.
        letters = state.ljust(3)
        wanted, is_now, fault = letters[0], letters[1], letters[2]
        if is_now not in "nc" and (_OURS.search(name) or (is_now + fault).strip() != "i"):
            found[name] = {
                "version": version,
                "held": wanted == "h",
                "whole": is_now == "i" and fault == " ",
            }
    return found


def library(root: str = "/") -> str | None:
    """Return the version of the driver's library that programs find, ``None`` without one."""
    for folder in _LIBRARIES:
        for link in sorted(glob.glob(os.path.join(root, folder, "libnvidia-ml.so.1"))):
            found = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.realpath(link))
            if found and os.path.exists(link):
                return found.group(1)
    return None


def module(root: str = "/") -> str | None:
    """Return the version of the module that the running kernel would load, if it has one."""
    folder = os.path.join(root, "lib/modules", os.uname().release)
    if not os.path.isdir(folder):
        return None
    try:
        said = subprocess.run(
            ["modinfo", "-F", "version", "nvidia"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=30,
        ).stdout
    except FileNotFoundError:
        return None
    return said.strip() or None


def loaded(root: str = "/") -> str | None:
    """Return the version of the module that is in the kernel, of which NVML may be silent."""
    return "".join(_lines(os.path.join(root, "sys/module/nvidia/version"))).strip() or None


def nouveau_off(root: str = "/") -> bool:
    """Say whether nouveau is kept from being loaded at boot."""
    for folder in _MODPROBE:
        for path in glob.glob(os.path.join(root, folder, "*.conf")):
            if any(_OFF.match(line) for line in _lines(path)):
                return True
    return False


def persistence(root: str = "/") -> str | None:
    """
    Return what systemd says of our unit of the daemon: ``enabled``, ``disabled``.

    ``None`` where there is none of ours: a distribution's own leaves persistence off.
    """
    if not os.path.exists(os.path.join(root, "etc/systemd/system", _PERSISTENCE)):
        return None
    said = subprocess.run(
        ["systemctl", "is-enabled", _PERSISTENCE],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout
    return said.strip() or None


def cdi(root: str = "/") -> List[str] | None:
    """Return the drivers whose libraries containers are given, ``None`` when nothing says so."""
    path = os.path.join(root, "etc/cdi/nvidia.yaml")
    if not os.path.exists(path):
        return None
    named = re.findall(r"\.so\.(\d{3}\.\d+(?:\.\d+)*)", "\n".join(_lines(path)))
    return sorted(set(named))


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
