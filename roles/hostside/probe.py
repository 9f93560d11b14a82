"""
What a host is, has and runs, as one JSON object on one line.

``python3 probe.py '{"weights_root": "/srv/metalserve/weights", "accelerator": "cuda"}'``. Needs
nothing but Python 3.8 and reads only; what cannot be found out is ``null``. ``docs/probe.md``
describes every key. ``roles/probe`` sends it together with the modules it imports. With an option
it reads what a vendor's tool printed elsewhere.
"""

from __future__ import annotations

import os
import sys

import ascend
import durable
import glance
import history
import machine
import nvml_library
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
_NOTE = ".json"
# What is looked for in the lock's owner: who, and whether that run still is.
_OWNER = ("run", "who", "machine", "pid", "started", "since")
# By name: no host is asked any of it, and what reads ``nvidia-smi`` does not even travel there.
_SENT = {
    "--npu-smi-info": ("npu_smi", "parse_info"),
    "--npu-smi-map": ("npu_smi", "parse_map"),
    "--nvidia-smi": ("nvidia_smi", "parse"),
    "--kernel-log": ("kernel_log", "parse"),
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
    return {"pci": pci.read, "cuda": _cuda, "ascend": ascend.read}


def _cuda() -> Any:
    if not nvml_library.there():
        return None
    # What asks NVML is a third of the probe, and nothing to hosts without it.
    import nvml

    return nvml.read()


def disks(paths: List[str]) -> Dict[str, Any]:
    """Return total and free space of the file system that each path is or would be on."""
    found = {}
    for path in paths:
        there = path
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        room = glance.room(there)
        found[path] = {
            "device": os.stat(there).st_dev,
            "total_mib": room["total"],
            "free_mib": room["free"],
        }
    return found


def _platform(accelerator: str | None) -> Dict[str, Callable[[], Any]]:
    return {
        "began": began,
        "reboot": lambda: durable.read_json(places.reboot()),
        "cuda": lambda: _driver_files() if accelerator == "cuda" else None,
        "ascend": lambda: _ascend_files() if accelerator == "ascend" else None,
    }


def _driver_files() -> Any:
    import driver_files

    return driver_files.read()


def _ascend_files() -> Any:
    import ascend_files

    return ascend_files.read()


def began() -> Dict[str, Any]:
    """Return what is known of each step that began and did not succeed yet."""
    folder = os.path.dirname(places.began("*"))
    return {name: _read_json(folder, name) or {} for name in _noted(folder)}


def stacks() -> List[str]:
    """Return the folders of the stacks that are installed whole."""
    return _having("complete.json", places.stacks())


def instances(states: Dict[str, str]) -> Dict[str, Any]:
    """Return what each instance's links point at and how its unit is, by those not at rest."""
    found = {}
    # A server outlives links that somebody removes.
    runs = {units.instance(unit): unit for unit, state in states.items() if state == _UP}
    for name in sorted({*glance.names(places.instances()), *runs}):
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
            "releases": [
                release
                for release in _having("release.json", places.releases(name))
                if not release.endswith(".new")
            ],
            "bad": {
                release: (_read_json(places.bad(name), release) or {}).get("why")
                for release in _noted(places.bad(name))
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


def _having(file: str, folder: str) -> List[str]:
    """Return those folders in a folder that have a file."""
    found = glance.names(folder)
    return [name for name in found if os.path.lexists("{}/{}/{}".format(folder, name, file))]


def _noted(folder: str) -> List[str]:
    """Return what a folder has notes about."""
    return [name[: -len(_NOTE)] for name in glance.names(folder, _NOTE)]


def _read_json(folder: str, about: str) -> Any:
    return durable.read_json("{}/{}{}".format(folder, about, _NOTE))


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
    import ascend_versions

    return ascend_versions.read(root)


def _wished() -> Tuple[str, Callable[[], Any]]:
    """Return what was asked for by the words of the command line, as it stands there and to do."""
    if len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        return sys.argv[1], lambda: probe(durable.from_json(sys.argv[1]))
    words = vars(_parser().parse_args())
    ((option, value),) = [(key, value) for key, value in words.items() if value is not None]
    if option == "ascend_root":
        return value, lambda: _versions(value)
    module, function = _SENT["--" + option.replace("_", "-")]
    return value, lambda: getattr(__import__(module), function)(_read(value))


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
    print(durable.to_json(told))


if __name__ == "__main__":
    main()
