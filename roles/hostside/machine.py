"""
The machine and its operating system, a fact each.

``FACTS`` names every one. What is not there is ``None``; what raises is for the caller to name,
so that one fact never costs another. ``root`` is the folder in the place of ``/``.
"""

from __future__ import annotations

import os
import resource
import sys

import bare_sockets
import bus
import clock
import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

_ASKED = ("Version", "Virtualization")
_TOLD: Dict[str, str] = {}


def os_release(root: str = "/") -> Dict[str, str]:
    """Return id and version of the distribution, empty where it does not say."""
    rows = [row.partition("=") for row in (_text(root, "etc/os-release") or "").splitlines()]
    found = {key: value.strip("'\"") for key, _, value in rows}
    return {"id": found.get("ID", ""), "version": found.get("VERSION_ID", "")}


def pythons(root: str = "/") -> List[str]:
    """Return every Python in ``/usr/bin``, as ``python3.11``."""
    return _each(os.path.join(root, "usr/bin"), "python3.")


def headers(root: str = "/") -> bool:
    """Say whether modules can be built for the running kernel."""
    return os.path.isdir(os.path.join(root, "lib/modules", os.uname().release, "build"))


def kernel_newest(root: str = "/") -> str | None:
    """Return the newest kernel that is installed whole, as ``uname -r`` will name it."""
    folder = os.path.join(root, "lib/modules")
    found = glance.names(folder)
    whole = [one for one in found if os.path.lexists("{}/{}/modules.builtin".format(folder, one))]
    return max(whole, key=_version, default=None)


def nouveau(root: str = "/") -> bool | None:
    """Say whether the module is loaded that keeps NVIDIA's own from its cards."""
    loaded = _text(root, "proc/modules")
    return None if loaded is None else any(r.startswith("nouveau ") for r in loaded.splitlines())


def lockdown(root: str = "/") -> str | None:
    """Return what the kernel is locked down to: ``none``, ``integrity`` or ``confidentiality``."""
    words = (_text(root, "sys/kernel/security/lockdown") or "").split()
    return next((word.strip("[]") for word in words if word.startswith("[")), None)


def secure_boot(root: str = "/") -> bool | None:
    """Say whether the firmware starts signed kernels alone."""
    firmware = os.path.join(root, "sys/firmware")
    if not os.path.isdir(firmware) or not os.listdir(firmware):
        return None
    if not os.path.isdir(firmware + "/efi"):
        return False
    folder = firmware + "/efi/efivars"
    variables = [one for one in glance.names(folder) if one.startswith("SecureBoot-")]
    try:
        with open(os.path.join(folder, variables[0]), "rb") as file:
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
    return _numbers(told["Version"])[0] if told else None


def _manager() -> Dict[str, str]:
    """Return what systemd says of itself, asked once; nothing unless it is the first process."""
    if not _TOLD and os.path.isdir("/run/systemd/system"):
        try:
            _TOLD.update(zip(_ASKED, bus.answers(*map(bus.about, _ASKED))))
        except OSError:
            rows = _said("systemctl", "show", "--property=" + ",".join(_ASKED)).splitlines()
            _TOLD.update((key, value) for key, _, value in (row.partition("=") for row in rows))
        if not _TOLD:
            raise OSError("systemctl does not tell systemd's version")
    return _TOLD


def glibc() -> str | None:
    """Return its version."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[2] or None
    except (ValueError, OSError):  # another C library does not know the question
        return None


def cpu(root: str = "/") -> str | None:
    """Return the model of the first processor, on Arm its maker's and its own number."""
    # The kernel makes it up as it is read, one processor after the other.
    begin = (_text(root, "proc/cpuinfo", most=8192) or "").partition("\n\n")[0]
    rows = [row.partition(":") for row in begin.splitlines()]
    found = {key.strip(): value.strip() for key, _, value in reversed(rows)}
    if "CPU implementer" in found and "model name" not in found:
        return "implementer {CPU implementer} part {CPU part}".format(**found)
    return found.get("model name")


def sockets(root: str = "/") -> int | None:
    """Return how many processors are plugged in."""
    folder = os.path.join(root, "sys/devices/system/cpu")
    found = {_text(folder, one + "/topology/physical_package_id") for one in _each(folder, "cpu")}
    return len(found - {None, "-1"}) or None


def numa(root: str = "/") -> int | None:
    """Return how many memory nodes there are."""
    return len(_each(os.path.join(root, "sys/devices/system/node"), "node")) or None


def memory_mib(key: str, root: str = "/") -> int | None:
    """Return one number of ``/proc/meminfo``."""
    rows = [row.partition(":") for row in (_text(root, "proc/meminfo") or "").splitlines()]
    found = next((_numbers(value) for name, _, value in rows if name == key), None)
    return found[0] >> 10 if found else None


def shm_mib(key: str, root: str = "/") -> int | None:
    """Return ``total`` or ``free`` of ``/dev/shm``."""
    try:
        return glance.room(os.path.join(root, "dev/shm"))[key]
    except FileNotFoundError:
        return None


def limits() -> Dict[str, int]:
    """Return the hard limits of who asks: open files, bytes of locked memory; -1 is without."""
    return {
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
    }


def addresses(root: str = "/") -> List[str]:
    """Return every address of the machine's own but loopback ones, as text writes them."""
    routes = _text(root, "proc/net/fib_trie") or ""
    rows = [row.strip() for row in routes.splitlines()]
    found = {one[len("|-- ") :] for one, how in zip(rows, rows[1:]) if how == "/32 host LOCAL"}
    for row in (_text(root, "proc/net/if_inet6") or "").splitlines():
        found.add(bare_sockets.address_text(bytes.fromhex(row.split()[0])))
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
    "clock": clock.read,
    "limits": limits,
    "addresses": addresses,
    "uid": os.getuid,
}


def _version(name: str) -> Tuple[List[int], str]:
    return _numbers(name), name


def _numbers(text: str) -> List[int]:
    return [int(one) for one in "".join(c if c.isdecimal() else " " for c in text).split()]


def _each(folder: str, kind: str) -> List[str]:
    """Return what a folder has of things that are numbered: ``cpu0``."""
    found = glance.names(folder)
    return [one for one in found if one.startswith(kind) and one[len(kind) :].isdecimal()]


def _said(*words: str) -> str:
    # Where the bus answers nothing needs what runs programs.
    import subprocess

    return subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.strip()


def _text(root: str, path: str, most: int = -1) -> str | None:
    return glance.text(os.path.join(root, path), most)
