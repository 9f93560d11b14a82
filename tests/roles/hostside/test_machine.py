"""The machine told from the files that a kernel shows, and from those that it does not."""

import os
import platform
from pathlib import Path
from typing import Any

import bus
import machine
import places
import pytest

KUNPENG = "processor\t: 0\nCPU implementer\t: 0x48\nCPU variant\t: 0x1\nCPU part\t: 0xd01\n"
XEON = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) @ 2.10GHz\nmodel\t\t: 207\n"


def _write(root: Path, **files: str) -> str:
    """Leave files below ``root``; ``__`` in a name stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_os(tmp_path: Path) -> None:
    root = _write(tmp_path, **{"etc__os-release": "NAME='x'\nID=openEuler\nVERSION_ID=\"22.03\"\n"})
    assert machine.os_release(root) == {"id": "openEuler", "version": "22.03"}
    assert machine.os_release(f"{root}/none") == {"id": "", "version": ""}


def test_pythons(tmp_path: Path) -> None:
    for name in (
        "python3",
        "python3.9",
        "python3.11",
        "python3.11-config",
        "python3.x",
        "perl5.36",
    ):
        _write(tmp_path, **{f"usr__bin__{name}": ""})
    assert machine.pythons(str(tmp_path)) == ["python3.11", "python3.9"]
    assert machine.pythons(f"{tmp_path}/none") == []


def test_newest_kernel_is_not_the_last_by_name(tmp_path: Path) -> None:
    for name in ("6.8.0-45-generic", "6.8.0-110-generic", "6.5.0-200-generic"):
        _write(tmp_path, **{f"lib__modules__{name}__modules.builtin": ""})
    # What a removed kernel leaves behind is modules of others.
    _write(tmp_path, **{"lib__modules__6.9.0-1-generic__updates__dkms__nvidia.ko": ""})
    assert machine.kernel_newest(str(tmp_path)) == "6.8.0-110-generic"
    assert machine.kernel_newest(f"{tmp_path}/none") is None


def test_headers(tmp_path: Path) -> None:
    build = tmp_path / "lib/modules" / platform.release() / "build"
    assert not machine.headers(str(tmp_path))
    build.parent.mkdir(parents=True)
    build.symlink_to(tmp_path / "headers")
    assert not machine.headers(str(tmp_path))
    (tmp_path / "headers").mkdir()
    assert machine.headers(str(tmp_path))


@pytest.mark.parametrize(
    ("modules", "loaded"),
    [
        ("nouveau 2347008 0 - Live 0x0\n", True),
        ("ext4 1024 1 - Live 0x0\nnouveau 2347008 0 - Live 0x0\n", True),
        ("drm_ttm_helper 16384 1 nouveau, Live 0x0\n", False),
        ("", False),
    ],
)
def test_nouveau(tmp_path: Path, modules: str, loaded: bool) -> None:
    assert machine.nouveau(str(tmp_path)) is None
    assert machine.nouveau(_write(tmp_path, proc__modules=modules)) is loaded


def test_lockdown(tmp_path: Path) -> None:
    assert machine.lockdown(str(tmp_path)) is None
    shown = "none [integrity] confidentiality\n"
    root = _write(tmp_path, sys__kernel__security__lockdown=shown)
    assert machine.lockdown(root) == "integrity"


def test_secure_boot(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert machine.secure_boot(root) is None
    firmware = tmp_path / "sys/firmware"
    firmware.mkdir(parents=True)
    assert machine.secure_boot(root) is None, "a container, which is shown nothing"
    (firmware / "dmi").mkdir()
    assert machine.secure_boot(root) is False, "started by a BIOS"
    (firmware / "efi/efivars").mkdir(parents=True)
    assert machine.secure_boot(root) is None, "no such variable"
    variable = firmware / "efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    for value in (0, 1):
        variable.write_bytes(bytes([6, 0, 0, 0, value]))
        assert machine.secure_boot(root) is bool(value)


@pytest.mark.parametrize(
    ("said", "virtualisation"),
    [("echo none; exit 1", "none"), ("echo kvm", "kvm"), ("exit 1", None), (None, None)],
)
def test_virtualisation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, virtualisation: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if said is not None:
        program = tmp_path / "systemd-detect-virt"
        program.write_text(f"#!/bin/sh\n{said}\n")
        program.chmod(0o755)
    assert machine.virtualisation() == virtualisation


@pytest.fixture
def booted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose first process is a systemd that was asked nothing yet, without a bus."""
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system")
    monkeypatch.setattr(machine, "_TOLD", {})
    monkeypatch.setattr(places, "BUS", "/not there")


def test_systemd_is_asked_on_the_bus(booted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answers(*questions: Any) -> list[str]:
        asked.extend(questions)
        return ["252.39-1~deb12u2", ""]

    monkeypatch.setattr(bus, "answers", answers)
    monkeypatch.setattr(machine, "_said", None)
    assert (machine.virtualisation(), machine.systemd()) == ("none", 252)
    assert asked == [bus.about("Version"), bus.about("Virtualization")]


@pytest.mark.parametrize(
    ("said", "virtualisation", "version"),
    [
        ("Version=252.39-1~deb12u2\nVirtualization=kvm", "kvm", 252),
        ("Version=v255.4-1ubuntu8\nVirtualization=", "none", 255),
    ],
)
def test_systemd_is_asked_once(
    booted: None, monkeypatch: pytest.MonkeyPatch, said: str, virtualisation: str, version: int
) -> None:
    asked: list[tuple[str, ...]] = []

    def manager(*words: str) -> str:
        asked.append(words)
        return said

    monkeypatch.setattr(machine, "_said", manager)
    assert (machine.virtualisation(), machine.systemd()) == (virtualisation, version)
    assert asked == [("systemctl", "show", "--property=Version,Virtualization")]


def test_systemd_that_says_nothing(booted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_said", lambda *words: "")
    with pytest.raises(OSError, match="systemctl does not tell systemd's version"):
        machine.systemd()


@pytest.mark.parametrize(
    ("cpuinfo", "cpu"),
    [
        (XEON + XEON, "Intel(R) Xeon(R) @ 2.10GHz"),
        (KUNPENG + KUNPENG, "implementer 0x48 part 0xd01"),
        (KUNPENG + "model name\t: Kunpeng 920\n", "Kunpeng 920"),
        ("processor\t: 0\n", None),
        ("", None),
    ],
)
def test_cpu(tmp_path: Path, cpuinfo: str, cpu: str | None) -> None:
    assert machine.cpu(str(tmp_path)) is None
    assert machine.cpu(_write(tmp_path, proc__cpuinfo=cpuinfo)) == cpu


@pytest.mark.parametrize(
    ("packages", "sockets"),
    [(["0", "0", "1", "1"], 2), (["36", "3276"], 2), (["-1", "-1"], None), ([], None)],
)
def test_sockets(tmp_path: Path, packages: list[str], sockets: int | None) -> None:
    for cpu, package in enumerate(packages):
        path = f"sys__devices__system__cpu__cpu{cpu}__topology__physical_package_id"
        _write(tmp_path, **{path: f"{package}\n"})
    assert machine.sockets(str(tmp_path)) == sockets


def test_numa(tmp_path: Path) -> None:
    assert machine.numa(str(tmp_path)) is None
    for name in ("node0", "node1", "node10", "power"):
        (tmp_path / "sys/devices/system/node" / name).mkdir(parents=True)
    assert machine.numa(str(tmp_path)) == 3


def test_memory(tmp_path: Path) -> None:
    shown = "MemTotal:       24684376 kB\nMemAvailable:   24062284 kB\nHugePages_Total:       7\n"
    root = _write(tmp_path, proc__meminfo=shown)
    assert machine.memory_mib("MemTotal", root) == 24105
    assert machine.memory_mib("MemAvailable", root) == 23498
    assert machine.memory_mib("MemFree", root) is None
    assert machine.memory_mib("MemTotal", f"{root}/none") is None


def test_shared_memory(tmp_path: Path) -> None:
    assert machine.shm_mib("total", str(tmp_path)) is None
    (tmp_path / "dev/shm").mkdir(parents=True)
    there = os.statvfs(tmp_path)
    total = there.f_blocks * there.f_frsize >> 20
    assert machine.shm_mib("total", str(tmp_path)) == total


def test_limits() -> None:
    shown = Path("/proc/self/limits").read_text().splitlines()
    for name, key in (("Max open files", "nofile"), ("Max locked memory", "memlock")):
        (line,) = [line for line in shown if line.startswith(name)]
        hard = line[len(name) :].split()[1]
        assert machine.limits()[key] == (-1 if hard == "unlimited" else int(hard))


def test_every_fact_can_be_had_here() -> None:
    """Or is known to be missing: none raises on a plain Linux."""
    found = {name: fact() for name, fact in machine.FACTS.items()}
    assert found["kernel"] == os.uname().release
    assert found["cpus"] == os.cpu_count()
    assert found["memory_mib"] >= found["memory_free_mib"] > 0


def test_addresses(tmp_path: Path) -> None:
    trie = (
        "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n"
        "Local:\n     |-- 10.0.0.7\n        /32 host LOCAL\n     |-- 10.0.0.255\n"
        "        /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
    )
    sixes = (
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fd000000000000000000000000000007 02 40 00 80     eth0\n"
    )
    root = _write(tmp_path, proc__net__fib_trie=trie, proc__net__if_inet6=sixes)
    assert machine.addresses(root) == ["10.0.0.7", "fd00::7"]
    assert machine.addresses(f"{root}/none") == []
