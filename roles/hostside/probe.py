"""
What a host is, has and runs, as one JSON object on one line.

``python3 probe.py '{"weights_root": "/srv/metalserve/weights", "accelerator": "cuda"}'``. Needs
nothing but Python 3.8 and reads only; what cannot be found out is ``null``. ``docs/probe.md``
describes every key. ``roles/probe`` sends it together with the modules it imports. With an option
it reads what a vendor's tool printed elsewhere.

Every run asks every host, and to import costs a host more than to answer. So neither this nor its
siblings import types, or a vendor's part where there is nothing of that vendor, or at the top what
brings a dozen others along: ``re``, ``json``, ``subprocess``, ``socket``.
"""

from __future__ import annotations

import os
import sys

import ascend
import durable
import glance
import machine
import nvml_library
import pci
import places
import ports
import receipts
import standing
import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

SCHEMA = 2
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
        "stacks": standing.stacks,
        "instances": lambda: standing.instances(states),
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
        "began": standing.began,
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


def _units() -> Tuple[List[str], Dict[str, str]]:
    """Return the jobs at work and how units are that are not at rest; none without systemd."""
    try:
        return units.seen()
    except OSError:
        return [], {}


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
