"""
What a host is, has and runs, as one JSON object on one line.

``python3 probe.py '{"weights_root": "/srv/metalserve/weights", "accelerator": "cuda"}'``. Needs
nothing but Python 3.8 and reads only; what cannot be found out is ``null``. ``docs/probe.md``
describes every key. ``roles/probe`` sends it together with the modules it imports. With an option
it reads what a vendor's tool printed elsewhere.
"""

from __future__ import annotations

import glob
import importlib
import json
import os
import shutil
import sys

import ascend
import ascend_files
import ascend_versions
import driver_files
import durable
import history
import kernel_log
import machine
import npu_smi
import nvml
import pci
import places
import ports
import receipts
import rotation
import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

SCHEMA = 2
_UP, _AT_REST = "active", "inactive"
# What is looked for in the lock's owner: who, and whether that run still is.
_OWNER = ("run", "who", "machine", "pid", "started", "since")
_SENT: Dict[str, Callable[[str], Any]] = {
    "--npu-smi-info": npu_smi.parse_info,
    "--npu-smi-map": npu_smi.parse_map,
    # By name, so that it does not travel to hosts, which are asked by NVML.
    "--nvidia-smi": lambda text: importlib.import_module("nvidia_smi").parse(text),
    "--kernel-log": kernel_log.parse,
}


def probe(asked: Any) -> Dict[str, Any]:
    """Return every fact; one that fails is ``null`` and named in ``faults``."""
    faults: Dict[str, str] = {}
    roots = [places.ROOT, places.STATE, "/usr/local", asked["weights_root"]]
    at_work, states = _units()
    parts: Dict[str, Callable[[], Any]] = {
        "system": lambda: _each("system.", machine.FACTS, faults),
        "disks": lambda: disks(roots),
        "ports": ports.listening,
        "accelerators": lambda: _each("accelerators.", _vendors(), faults),
        "platform": lambda: _each("platform.", _platform(asked.get("accelerator")), faults),
        "receipts": receipts.read_all,
        "stacks": stacks,
        "instances": lambda: instances(states),
        "lock": lambda: durable.read_record(places.lock(), _OWNER),
        "jobs": lambda: at_work,
    }
    found: Dict[str, Any] = {"schema": SCHEMA, "faults": faults}
    return dict(found, **_each("", parts, faults))


def _each(
    within: str, facts: Dict[str, Callable[[], Any]], faults: Dict[str, str]
) -> Dict[str, Any]:
    """Return every fact of a part: one that cannot be had must not cost the others."""
    found = {}
    for name, fact in facts.items():
        try:
            found[name] = fact()
        except Exception as error:
            found[name] = None
            faults[within + name] = "{}: {}".format(type(error).__name__, error)
    return found


def _vendors() -> Dict[str, Callable[[], Any]]:
    return {"pci": pci.read, "cuda": nvml.read, "ascend": ascend.read}


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


def _platform(accelerator: str | None) -> Dict[str, Callable[[], Any]]:
    return {
        "began": began,
        "reboot": lambda: durable.read_json(places.reboot()),
        "cuda": lambda: driver_files.read() if accelerator == "cuda" else None,
        "ascend": lambda: ascend_files.read() if accelerator == "ascend" else None,
    }


def began() -> Dict[str, Any]:
    """Return what is known of each step that began and did not succeed yet."""
    markers = sorted(glob.glob(places.began("*")))
    return {_name(path): durable.read_json(path) or {} for path in markers}


def stacks() -> List[str]:
    """Return the folders of the stacks that are installed whole."""
    markers = glob.glob(places.stacks() + "/*/complete.json")
    return sorted(os.path.basename(os.path.dirname(marker)) for marker in markers)


def instances(states: Dict[str, str]) -> Dict[str, Any]:
    """Return what each instance's links point at and how its unit is, by those not at rest."""
    found = {}
    # A server outlives links that somebody removes.
    runs = {units.instance(unit): unit for unit, state in states.items() if state == _UP}
    there = [os.path.basename(folder) for folder in glob.glob(places.instances() + "/*")]
    for name in sorted({*there, *runs}):
        folder = places.instance(name)
        current = durable.read_link(folder + "/current")
        about = durable.read_json(current + "/release.json") if current else None
        record = durable.read_record(places.transaction(name), ("outcome",)) or {}
        secrets = durable.read_link(folder + "/secrets")
        found[name] = {
            "current": _base(current),
            "previous": _base(durable.read_link(folder + "/previous")),
            "secrets": _base(secrets),
            "secrets_there": bool(secrets and os.path.isdir(secrets)),
            "served": history.judged(name),
            "releases": sorted(
                os.path.basename(os.path.dirname(path))
                for path in glob.glob(places.releases(name) + "/*/release.json")
                if not os.path.dirname(path).endswith(".new")
            ),
            "bad": {
                _name(path): (durable.read_json(path) or {}).get("why")
                for path in sorted(glob.glob(places.bad(name) + "/*.json"))
            },
            "unit": about["unit"] if about else runs.get(name),
            "active": states.get(about["unit"]) == _UP if about else False,
            "state": states.get(about["unit"], _AT_REST) if about else None,
            "about": about,
            "out": rotation.why_kept_out(name),
            "waits": (durable.read_json(places.waits(name)) or {}).get("for"),
            "transaction": {
                key: record.get(key) for key in ("release", "outcome", "began", "ended", "why")
            },
        }
    return found


def _units() -> Tuple[List[str], Dict[str, str]]:
    """Return the jobs at work and how units are that are not at rest; none without systemd."""
    try:
        return units.seen()
    except OSError:
        return [], {}


def _name(path: str) -> str:
    return os.path.basename(path)[: -len(".json")]


def _base(path: str | None) -> str | None:
    return os.path.basename(path) if path else None


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _versions(root: str) -> Any:
    if not os.path.isdir(root):
        raise FileNotFoundError(2, "No such file or directory")
    return ascend_versions.read(root)


def _wished() -> Tuple[str, Callable[[], Any]]:
    """Return what was asked for by the words of the command line, as it stands there and to do."""
    if len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        return sys.argv[1], lambda: probe(json.loads(sys.argv[1]))
    words = vars(_parser().parse_args())
    ((option, value),) = [(key, value) for key, value in words.items() if value is not None]
    if option == "ascend_root":
        return value, lambda: _versions(value)
    return value, lambda: _SENT["--" + option.replace("_", "-")](_read(value))


def _parser() -> Any:
    # What a run asks has no options, and need not wait for what reads them.
    import argparse

    parser = argparse.ArgumentParser(prog="probe.py", description=(__doc__ or "").strip())
    one = parser.add_mutually_exclusive_group(required=True)
    one.add_argument("asked", nargs="?", help="the question, as JSON")
    one.add_argument("--ascend-root", metavar="DIR", help="a folder in the place of /")
    for option in _SENT:
        one.add_argument(option, metavar="FILE", help="what it printed; - is the input")
    return parser


def main() -> None:
    """See the top of the file."""
    given, asked = _wished()
    try:
        told = asked()
    except OSError as error:
        raise SystemExit("probe.py: {}: {}".format(given, error.strerror)) from error
    except ValueError as error:
        raise SystemExit("probe.py: {}: {}".format(given, error)) from error
    print(json.dumps(told, separators=(",", ":")))


if __name__ == "__main__":
    main()
