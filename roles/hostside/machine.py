"""
The machine and its operating system, a fact each.

``FACTS`` names every one. What is not there is ``None``; what raises is for the caller to name,
so that one fact never costs another. ``root`` is the folder in the place of ``/``.
"""

from __future__ import annotations

import ctypes
import glob
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

# The kernel's own limit: with a larger error than this, no time daemon has set the clock for long.
_UNSYNCHRONISED_US = 16_000_000
_STEERED, _IN_NANOSECONDS = 0x0001, 0x2000


def os_release(root: str = "/") -> Dict[str, str]:
    """Return id and version of the distribution, empty where it does not say."""
    rows = [row.partition("=") for row in (_text(root, "etc/os-release") or "").splitlines()]
    found = {key: value.strip("'\"") for key, _, value in rows}
    return {"id": found.get("ID", ""), "version": found.get("VERSION_ID", "")}


def pythons(root: str = "/") -> List[str]:
    """Return every Python in ``/usr/bin``, as ``python3.11``."""
    found = glob.glob(os.path.join(root, "usr/bin/python3.[0-9]*[0-9]"))
    return sorted({os.path.basename(path) for path in found})


def headers(root: str = "/") -> bool:
    """Say whether modules can be built for the running kernel."""
    return os.path.isdir(os.path.join(root, "lib/modules", os.uname().release, "build"))


def kernel_newest(root: str = "/") -> str | None:
    """Return the newest kernel that is installed whole, as ``uname -r`` will name it."""
    found = glob.glob(os.path.join(root, "lib/modules/*/modules.builtin"))
    names = [os.path.basename(os.path.dirname(path)) for path in found]
    return max(names, key=_version, default=None)


def nouveau(root: str = "/") -> bool | None:
    """Say whether the module is loaded that keeps NVIDIA's own from its cards."""
    loaded = _text(root, "proc/modules")
    return None if loaded is None else any(r.startswith("nouveau ") for r in loaded.splitlines())


def lockdown(root: str = "/") -> str | None:
    """Return what the kernel is locked down to: ``none``, ``integrity`` or ``confidentiality``."""
    chosen = re.search(r"\[(\w+)\]", _text(root, "sys/kernel/security/lockdown") or "")
    return chosen.group(1) if chosen else None


def secure_boot(root: str = "/") -> bool | None:
    """Say whether the firmware starts signed kernels alone."""
    firmware = os.path.join(root, "sys/firmware")
    if not os.path.isdir(firmware) or not os.listdir(firmware):
        return None
    if not os.path.isdir(firmware + "/efi"):
        return False
    variables = glob.glob(firmware + "/efi/efivars/SecureBoot-*")
    try:
        with open(variables[0], "rb") as file:
            return file.read()[-1:] == b"\x01"
    except (IndexError, OSError):
        return None


def virtualisation() -> str | None:
    """Return the innermost virtual machine or container by systemd's name, ``none`` on metal."""
    try:
        told = _manager()
        return told["Virtualization"] or "none" if told else _said("systemd-detect-virt") or None
    except FileNotFoundError:
        return None


def systemd() -> int | None:
    """Return its major version, ``None`` unless it is the first process."""
    told = _manager()
    return int(re.findall(r"\d+", told["Version"])[0]) if told else None


@lru_cache(maxsize=None)
def _manager() -> Dict[str, str]:
    """Return what systemd says of itself; nothing unless it is the first process."""
    if not os.path.isdir("/run/systemd/system"):
        return {}
    rows = _said("systemctl", "show", "--property=Version,Virtualization").splitlines()
    if not rows:
        raise OSError("systemctl does not tell systemd's version")
    return {key: value for key, _, value in (row.partition("=") for row in rows)}


def glibc() -> str | None:
    """Return its version."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[2] or None
    except (ValueError, OSError):  # another C library does not know the question
        return None


def cpu(root: str = "/") -> str | None:
    """Return the model of the first processor, on Arm its maker's and its own number."""
    rows = [row.partition(":") for row in (_text(root, "proc/cpuinfo") or "").splitlines()]
    found = {key.strip(): value.strip() for key, _, value in reversed(rows)}
    if "CPU implementer" in found and "model name" not in found:
        return "implementer {CPU implementer} part {CPU part}".format(**found)
    return found.get("model name")


def sockets(root: str = "/") -> int | None:
    """Return how many processors are plugged in."""
    pattern = "sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id"
    found = {_text("", path) for path in glob.glob(os.path.join(root, pattern))}
    return len(found - {None, "-1"}) or None


def numa(root: str = "/") -> int | None:
    """Return how many memory nodes there are."""
    return len(glob.glob(os.path.join(root, "sys/devices/system/node/node[0-9]*"))) or None


def memory_mib(key: str, root: str = "/") -> int | None:
    """Return one number of ``/proc/meminfo``."""
    found = re.search(r"^{}: *(\d+) kB$".format(key), _text(root, "proc/meminfo") or "", re.M)
    return int(found.group(1)) >> 10 if found else None


def shm_mib(key: str, root: str = "/") -> int | None:
    """Return ``total`` or ``free`` of ``/dev/shm``."""
    try:
        return int(getattr(shutil.disk_usage(os.path.join(root, "dev/shm")), key)) >> 20
    except FileNotFoundError:
        return None


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


def clock() -> Dict[str, Any]:
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


def limits() -> Dict[str, int]:
    """Return the hard limits of who asks: open files, bytes of locked memory; -1 is without."""
    return {
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
    }


def addresses(root: str = "/") -> List[str]:
    """Return every address of the machine's own but loopback ones, as text writes them."""
    routes = _text(root, "proc/net/fib_trie") or ""
    found = set(re.findall(r"\|-- (\S+)\n +/32 host LOCAL", routes))
    for row in (_text(root, "proc/net/if_inet6") or "").splitlines():
        found.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(row.split()[0])))
    return sorted(one for one in found if one != "::1" and not one.startswith("127."))


FACTS: Dict[str, Callable[[], Any]] = {
    "machine_id": lambda: _text("/", "etc/machine-id") or None,
    "boot_id": lambda: _text("/", "proc/sys/kernel/random/boot_id"),
    "hostname": lambda: os.uname().nodename,
    "os": os_release,
    "kernel": lambda: os.uname().release,
    "kernel_newest": kernel_newest,
    "headers": headers,
    "nouveau": nouveau,
    "lockdown": lockdown,
    "secure_boot": secure_boot,
    "virtualisation": virtualisation,
    "arch": lambda: os.uname().machine,
    "python": lambda: ".".join(map(str, sys.version_info[:3])),
    "pythons": pythons,
    "glibc": glibc,
    "systemd": systemd,
    "cpu": cpu,
    "cpus": os.cpu_count,
    "sockets": sockets,
    "numa": numa,
    "memory_mib": lambda: memory_mib("MemTotal"),
    "memory_free_mib": lambda: memory_mib("MemAvailable"),
    "shm_mib": lambda: shm_mib("total"),
    "shm_free_mib": lambda: shm_mib("free"),
    "clock": clock,
    "limits": limits,
    "addresses": addresses,
    "uid": os.getuid,
}


def _version(name: str) -> Tuple[List[int], str]:
    return [int(number) for number in re.findall(r"\d+", name)], name


def _said(*words: str) -> str:
    return subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.strip()


def _text(root: str, path: str) -> str | None:
    try:
        with open(os.path.join(root, path), errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
