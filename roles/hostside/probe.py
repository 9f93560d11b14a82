"""
What a host is, has and runs, as one JSON object on one line.

``python3 probe.py '{"weights_root": "/srv/metalserve/weights"}'``. Needs nothing but
Python 3.8 and reads only; what cannot be found out is ``null``. ``docs/probe.md`` describes every
key. ``roles/probe`` sends it together with the modules it imports.
"""

from __future__ import annotations

import glob
import json
import os
import platform
import shutil
import subprocess
import sys
from typing import Any, Callable, Dict, List

import durable
import places
import ports
import receipts
import service

SCHEMA = 1


def probe(asked: Any) -> Dict[str, Any]:
    """Return every fact; a part that fails is ``null`` and named in ``faults``."""
    parts: Dict[str, Callable[[], Any]] = {
        "system": system,
        "disks": lambda: disks([places.ROOT, places.STATE, asked["weights_root"]]),
        "ports": ports.listening,
        "accelerators": accelerators,
        "receipts": receipts.read_all,
        "stacks": stacks,
        "instances": instances,
        "lock": lambda: durable.read_json(places.lock()),
        "jobs": jobs,
    }
    found: Dict[str, Any] = {"schema": SCHEMA, "faults": {}}
    for name, part in parts.items():
        try:
            found[name] = part()
        except Exception as error:  # a fact that cannot be had must not cost the others
            found[name] = None
            found["faults"][name] = "{}: {}".format(type(error).__name__, error)
    return found


def system() -> Dict[str, Any]:
    """Return the machine and its operating system."""
    return {
        "machine_id": _text("/etc/machine-id"),
        "boot_id": _text("/proc/sys/kernel/random/boot_id"),
        "hostname": platform.node(),
        "os": _os_release(),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "python": platform.python_version(),
        "pythons": sorted({os.path.basename(p) for p in glob.glob("/usr/bin/python3.[0-9]*[0-9]")}),
        "glibc": platform.libc_ver()[1] or None,
        "systemd": _systemd(),
        "cpus": os.cpu_count(),
        "memory_mib": _meminfo("MemTotal"),
        "memory_free_mib": _meminfo("MemAvailable"),
        "uid": os.getuid(),
    }


def disks(paths: List[str]) -> Dict[str, Any]:
    """Return total and free space of the file system that each path is or would be on."""
    found = {}
    for path in paths:
        there = path
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        usage = shutil.disk_usage(there)
        found[path] = {
            "device": os.stat(there).st_dev,
            "total_mib": usage.total >> 20,
            "free_mib": usage.free >> 20,
        }
    return found


def accelerators() -> Dict[str, Any]:
    """Return what is plugged in; the vendors' own answers have their places here."""
    vendors: Dict[str, int] = {}
    for path in glob.glob("/sys/bus/pci/devices/*"):
        vendor, kind = _text(path + "/vendor"), _text(path + "/class") or ""
        # Display controllers and processing accelerators, not the rest of a vendor's cards.
        if vendor and kind[:4] in ("0x03", "0x12"):
            vendors[vendor] = vendors.get(vendor, 0) + 1
    return {"pci": vendors, "cuda": None, "ascend": None}


def stacks() -> List[str]:
    """Return the folders of the stacks that are installed whole."""
    markers = glob.glob(places.stacks() + "/*/complete.json")
    return sorted(os.path.basename(os.path.dirname(marker)) for marker in markers)


def instances() -> Dict[str, Any]:
    """Return what each instance's links point at and whether its unit is up."""
    found = {}
    for folder in sorted(glob.glob(places.instances() + "/*")):
        name = os.path.basename(folder)
        current = durable.read_link(folder + "/current")
        about = durable.read_json(current + "/release.json") if current else None
        record = durable.read_json(places.transaction(name)) or {}
        found[name] = {
            "current": _base(current),
            "previous": _base(durable.read_link(folder + "/previous")),
            "secrets": _base(durable.read_link(folder + "/secrets")),
            "releases": sorted(
                os.path.basename(os.path.dirname(path))
                for path in glob.glob(places.releases(name) + "/*/release.json")
                if not os.path.dirname(path).endswith(".new")
            ),
            "bad": {
                os.path.basename(path)[: -len(".json")]: (durable.read_json(path) or {}).get("why")
                for path in sorted(glob.glob(places.bad(name) + "/*.json"))
            },
            "unit": about["unit"] if about else None,
            "active": service.active(about["unit"]) if about else False,
            "about": about,
            "transaction": {
                key: record.get(key) for key in ("release", "outcome", "began", "ended", "why")
            },
        }
    return found


def jobs() -> List[str]:
    """Return the jobs at work."""
    command = ["systemctl", "list-units", "--plain", "--no-legend", "metalserve-job-*.service"]
    rows = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [row.split()[0][len("metalserve-job-") : -len(".service")] for row in rows if row]


def _base(path: str | None) -> str | None:
    return os.path.basename(path) if path else None


def _text(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


def _os_release() -> Dict[str, str]:
    rows = [row.partition("=") for row in (_text("/etc/os-release") or "").splitlines()]
    found = {key: value.strip('"') for key, _, value in rows}
    return {"id": found.get("ID", ""), "version": found.get("VERSION_ID", "")}


def _systemd() -> int | None:
    if not os.path.isdir("/run/systemd/system"):
        return None
    said = subprocess.run(["systemctl", "--version"], stdout=subprocess.PIPE, text=True).stdout
    return int(said.split()[1])


def _meminfo(key: str) -> int | None:
    for line in (_text("/proc/meminfo") or "").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) >> 10
    return None


def main() -> None:
    """See the top of the file."""
    print(json.dumps(probe(json.loads(sys.argv[1])), separators=(",", ":")))


if __name__ == "__main__":
    main()
