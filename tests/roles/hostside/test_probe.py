"""The probe tells what is, with nothing but Python 3.8, and survives what it cannot find out."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ascend
import ascend_files
import driver_files
import durable
import machine
import nvml
import nvml_library
import pci
import places
import ports
import probe
import pytest
import rotation
import standing

from tests.roles.hostside.staged import UNIT, Host
from tests.standins.systemctl.systemd import Systemd

ROLES = Path(__file__).parents[3] / "roles"
HOSTSIDE = ROLES / "hostside"


def _pythons() -> list[str]:
    """Return every older Python of this machine that hosts may have."""
    found = Path.home().glob(".pyenv/versions/3.*/bin/python3")
    older = [path for path in found if (3, 8) <= _version(path) < sys.version_info[:2]]
    return sorted(str(path) for path in older)


def _version(python: Path) -> tuple[int, int]:
    major, minor, *_ = python.parents[1].name.split(".")
    return int(major), int(minor)


def _probe(tree: Path) -> dict[str, Any]:
    found = probe.probe({"weights_root": f"{tree}/srv/weights"})
    json.dumps(found)
    return found


def test_bare_host(tree: Path, systemd: Systemd) -> None:
    found = _probe(tree)
    assert found["faults"] == {}
    assert found["schema"] == 2
    assert (found["stacks"], found["instances"], found["receipts"]) == ([], {}, {})
    assert (found["lock"], found["jobs"]) == (None, [])
    paths = [places.ROOT, places.STATE, "/usr/local", f"{tree}/srv/weights"]
    assert sorted(found["disks"]) == sorted(paths)
    nothing = dict.fromkeys(("reboot", "cuda", "ascend"))
    assert found["platform"] == {"began": {}, **nothing}
    assert all(disk["total_mib"] >= disk["free_mib"] > 0 for disk in found["disks"].values())
    system = found["system"]
    assert system["uid"] == os.geteuid()
    assert system["memory_mib"] >= system["memory_free_mib"] > 0
    assert re.fullmatch(r"3\.\d+\.\d+", system["python"])


def test_systemd_is_asked_for_all_instances_at_once(
    tree: Path, systemd: Systemd, host: Host
) -> None:
    host.serving("old")
    for name in ("draw", "talk"):
        Path(places.instance(name)).mkdir()
    systemd.calls.clear()
    found = _probe(tree)["instances"]
    assert {name: one["active"] for name, one in found.items()} == {
        "chat": True, "draw": False, "talk": False,
    }  # fmt: skip
    assert len([call for call in systemd.calls if call.startswith("systemctl list-units")]) == 1
    assert not [call for call in systemd.calls if "show" in call]


def test_instances(tree: Path, host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    host.activate("new")
    [(name, found)] = _probe(tree)["instances"].items()
    assert name == "chat"
    assert found["transaction"].pop("began")
    assert found["transaction"].pop("ended")
    assert found["about"]["port"] == host.port
    del found["about"]
    assert found["served"][0].pop("since") == found["served"][0].pop("first") is not None
    assert found == {
        "current": "old",
        "previous": None,
        "secrets": "g1",
        "secrets_there": True,
        "served": [{"release": "old", "ports": [host.port], "fault": None}],
        "releases": ["new", "old"],
        "bad": {"new": "new failed: 1 of 1 answers wrong"},
        "unit": UNIT,
        "active": True,
        "state": "active",
        "out": [],
        "waits": None,
        "transaction": {
            "release": "new",
            "outcome": "rolled back",
            "why": "new failed: 1 of 1 answers wrong",
        },
    }


def test_instance_in_quarantine(tree: Path, host: Host) -> None:
    """An activation's own note is none: it is gone with the job, or with the boot."""
    durable.write_json(places.agent(), {"asked_every_s": 1})
    host.serving("old")
    rotation.leave("chat", "an activation is at work")
    assert _probe(tree)["instances"]["chat"]["out"] == []
    rotation.keep_out("chat", "a fan is loud")
    assert _probe(tree)["instances"]["chat"]["out"] == ["a fan is loud"]


def test_instance_without_a_release(tree: Path, host: Host) -> None:
    Path(places.instance("chat")).mkdir(parents=True)
    for text in ("", '{"outc', "[1]", '{"why": ""}'):
        durable.write(places.transaction("chat"), text)
        found = _probe(tree)["instances"]["chat"]
        assert (found["current"], found["unit"], found["active"]) == (None, None, False)
        assert found["transaction"]["outcome"] is None


@pytest.mark.parametrize("lost", ["current", "chat"])
def test_server_that_outlives_its_links(lost: str, tree: Path, host: Host) -> None:
    host.serving("old")
    if lost == "chat":
        shutil.rmtree(places.instance("chat"))
    else:
        durable.link(places.instance("chat") + "/current", None)
    found = _probe(tree)["instances"]["chat"]
    assert (found["current"], found["unit"], found["active"]) == (None, UNIT, False)


def test_stacks_count_with_their_marker_alone(tree: Path) -> None:
    (Path(places.stacks()) / "half").mkdir(parents=True)
    durable.write_json(f"{places.stacks()}/whole/complete.json", {})
    assert standing.stacks() == ["whole"]


def test_fact_that_fails_costs_no_other(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no such thing")

    monkeypatch.setattr(ports, "listening", broken)
    found = probe.probe({"weights_root": "/srv"})
    assert found["ports"] is None
    assert found["faults"]["ports"] == "OSError: no such thing"
    assert found["stacks"] == []


@pytest.mark.parametrize("vendor", ["pci", "cuda", "ascend"])
def test_vendor_that_fails_costs_no_other(
    tree: Path, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    vendors = {"pci": pci, "cuda": nvml, "ascend": ascend}
    monkeypatch.setattr(nvml_library, "there", lambda: True)
    for name, module in vendors.items():
        monkeypatch.setattr(module, "read", lambda name=name: 1 if name != vendor else 1 / 0)
    found = probe.probe({"weights_root": "/srv"})
    assert found["accelerators"] == dict.fromkeys(vendors, 1) | {vendor: None}
    assert found["faults"][f"accelerators.{vendor}"] == "ZeroDivisionError: division by zero"


def test_fact_of_the_machine_that_fails_costs_no_other(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(machine.FACTS, "clock", lambda: 1 / 0)
    found = probe.probe({"weights_root": "/srv"})
    assert found["system"]["clock"] is None
    assert found["system"]["uid"] == os.geteuid()
    assert found["faults"]["system.clock"] == "ZeroDivisionError: division by zero"


def test_what_is_half_done_to_the_platform(tree: Path) -> None:
    durable.write_json(places.began("hdk-driver-25.0.rc1.1"), {"at": "2026-11-20T16:46:11Z"})
    Path(places.began("torn")).write_text('{"at":')
    durable.write_json(places.reboot(), {"why": "the driver asks for it", "boot_id": "b1"})
    assert _probe(tree)["platform"] == {
        "began": {"hdk-driver-25.0.rc1.1": {"at": "2026-11-20T16:46:11Z"}, "torn": {}},
        "reboot": {"why": "the driver asks for it", "boot_id": "b1"},
        "cuda": None,
        "ascend": None,
    }


def test_what_is_installed_beside_a_driver(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for on hosts that have the vendor's accelerators alone."""
    monkeypatch.setattr(driver_files, "read", lambda: "NVIDIA's")
    monkeypatch.setattr(ascend_files, "read", lambda: "Huawei's")
    asked = [{"weights_root": "/srv", "accelerator": kind} for kind in ("cuda", "ascend", "cpu")]
    found = [probe.probe(question)["platform"] for question in asked]
    assert [(one["cuda"], one["ascend"]) for one in found] == [
        ("NVIDIA's", None), (None, "Huawei's"), (None, None),
    ]  # fmt: skip


def test_what_is_installed_costs_not_what_is_half_done(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_files, "read", lambda: 1 / 0)
    durable.write_json(places.reboot(), {"why": "the driver asks for it", "boot_id": "b1"})
    found = probe.probe({"weights_root": "/srv", "accelerator": "cuda"})
    assert found["platform"]["cuda"] is None
    assert found["platform"]["reboot"]["boot_id"] == "b1"
    assert found["faults"]["platform.cuda"] == "ZeroDivisionError: division by zero"


def test_jobs_at_work(tree: Path, systemd: Systemd) -> None:
    systemd.at_work("metalserve-job-fetch-1.service")
    systemd.at_work("metalserve-vllm@chat.service")
    assert _probe(tree)["jobs"] == ["fetch-1"]


def test_host_without_systemd(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is missing is told once, and in other words than that the probe is at fault."""
    monkeypatch.setenv("PATH", str(tmp_path))
    Path(places.instance("chat")).mkdir(parents=True)
    found = _probe(tree)
    assert (found["faults"], found["jobs"]) == ({}, [])
    assert found["instances"]["chat"]["active"] is False


# Each takes a host longer to import than a part of the probe to answer.
_HEAVY = (
    *("argparse", "collections", "contextlib", "dataclasses", "enum", "functools", "glob", "json"),
    *("pathlib", "re", "selectors", "shutil", "socket", "subprocess", "tempfile", "threading"),
    *("typing", "nvml", "npu_smi", "ascend_versions", "driver_files"),
)
_ASKED = """
import sys
sys.path.insert(0, {folder!r})
import bus, machine, nvml_library, probe
bus.answers = lambda *questions: [[]]
machine._TOLD.update(Version="252", Virtualization="")
nvml_library.there = lambda: False
told = probe.probe({{"weights_root": "/srv", "accelerator": "cpu"}})
print(told["faults"], *(name for name in {heavy!r} if name in sys.modules))
"""


def test_whole_program_needs_no_file_of_ours() -> None:
    _probed("/usr/bin/python3")


@pytest.mark.parametrize("python", _pythons(), ids=lambda path: Path(path).parents[1].name)
def test_older_pythons_run_the_probe(python: str) -> None:
    found = _probed(python)
    assert found["system"]["python"] == Path(python).parents[1].name


@pytest.mark.parametrize("python", _pythons(), ids=lambda path: Path(path).parents[1].name)
def test_older_pythons_load_every_script(python: str) -> None:
    names = sorted(path.stem for path in HOSTSIDE.glob("*.py"))
    command = [python, "-W", "error", "-SEB", "-c", "import " + ", ".join(names)]
    assert subprocess.run(command, cwd=HOSTSIDE).returncode == 0


def _program() -> str:
    """The probe as it is sent to hosts that have nothing of ours yet."""
    found = runpy.run_path(str(ROLES / "job" / "program.py"))["program"]("probe")
    assert isinstance(found, str)
    return found


def _probed(python: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-", '{"weights_root": "/srv/weights"}'],
        input=_program(),
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.defpath},
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["faults"] == {}
    return found


def test_host_without_accelerators_imports_little(installed: Path) -> None:
    asked = _ASKED.format(folder=str(installed), heavy=_HEAVY)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", asked], capture_output=True, text=True, check=True
    )
    assert done.stdout == "{}\n"
