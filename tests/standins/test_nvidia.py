"""NVIDIA's software is refused, loaded, broken and mismatched as the real one is."""

import importlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roles.lab import LabHost
from roles.lab.command import wait
from tests.standins.hardware.booted import booted
from tests.standins.hardware.plug import reboot
from tests.standins.nvidia import gpus, packages
from tests.standins.nvidia.asked import ASK
from tests.standins.nvidia.gpus import break_gpu, upset_gpu, xid
from tests.standins.nvidia.host import install_repository, mend_builds, slow_builds
from tests.standins.nvidia.run_file import run_file

# It has no types.
pynvml: Any = importlib.import_module("pynvml")
OLD, NEW = "580.65.06", "580.95.05"
APT = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq"


def test_the_run_file_knows_itself(tmp_path: Path) -> None:
    made = run_file(tmp_path, NEW)
    assert made.name == f"NVIDIA-Linux-{os.uname().machine}-{NEW}.run"
    whole = made.read_bytes()
    assert run_file(tmp_path, NEW).read_bytes() == whole
    assert subprocess.check_output([made, "--check"], text=True).endswith("integrity... OK\n")
    assert f"version {NEW}\n" in subprocess.check_output(["sh", made, "--version"], text=True)

    for words, said in (
        ("--nonsense", 'unrecognized option: "--nonsense"'),
        ("--dkms=yes", 'unrecognized option: "--dkms=yes"'),
        ("--kernel-module-type=closed", "'closed' is not a valid kernel module type."),
        ("--dkms", "asks no questions"),
    ):
        done = subprocess.run([made, words], text=True, capture_output=True)
        assert (done.returncode, said in done.stderr) == (1, True)

    made.write_bytes(whole[:-1])
    done = subprocess.run([made, "--check"], text=True, capture_output=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Error in MD5 checksums: ")


def test_names_of_packages() -> None:
    names = {package.name for package in packages.ubuntu(NEW)}
    assert {
        "nvidia-headless-580-server-open", "nvidia-dkms-580-server-open",
        "libnvidia-compute-580-server", "nvidia-utils-580-server", "nvidia-fabricmanager-580",
    } < names  # fmt: skip
    assert {p.version for p in packages.ubuntu(NEW)} == {f"{NEW}-0ubuntu0.22.04.1"}
    assert {p.version for p in packages.debian(NEW)} == {f"{NEW}-1"}


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[LabHost]]:
    with booted("nvidia", 3) as made:
        for host in made:
            shutil.copy(pynvml.__file__, Path(host.disk.root) / "root/pynvml.py")
            (Path(host.disk.root) / "root/ask.py").write_text(ASK)
            gpus.plug(host, [gpus.H200, gpus.H200], switches=1)
        yield made


def _nvml(host: LabHost) -> object:
    return json.loads(host.run("python3 /root/ask.py").stdout)


def _said(host: LabHost, command: str) -> str:
    done = host.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def _at(version: str) -> list[list[str]]:
    return [["NVIDIA H200", version]] * 2


def _comes_to_show(host: LabHost, version: str) -> bool:
    """Wait for what starts after a host answers: its driver, and its fabric manager."""
    return wait(lambda: _nvml(host) == _at(version), within_s=60)


@pytest.mark.lab
def test_packages_take_a_reboot_each_time(hosts: list[LabHost], tmp_path: Path) -> None:
    host = hosts[0]
    install_repository(host, packages.repository(tmp_path, (OLD, NEW)))
    assert _said(host, "cat /sys/module/nouveau/initstate") == "live"
    names = [package.name for package in packages.debian(OLD)]
    wanted = [name for name in names if name not in ("cuda-drivers", "nvidia-kernel-dkms")]
    _said(host, f"{APT} linux-headers-$(uname -r)")

    # Dependencies are exact, and apt looks at the newest of each alone.
    refused = host.run(f"apt-get install -y nvidia-open={OLD}-1")
    assert refused.returncode == 100
    assert f"nvidia-driver-cuda (= {OLD}-1) but {NEW}-1 is to be installed" in refused.stdout
    _said(host, f"{APT} " + " ".join(f"{name}={OLD}-1" for name in wanted))
    assert _said(host, "dkms status").endswith(": installed")
    assert _nvml(host) == pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    reboot(host)
    assert _comes_to_show(host, OLD)
    assert _said(host, "systemctl is-active nvidia-persistenced") == "active"
    _said(host, "systemctl enable --now nvidia-fabricmanager")

    _said(host, f"{APT} " + " ".join(wanted) + " nvidia-container-toolkit")
    assert _nvml(host) == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
    assert host.run("systemctl restart nvidia-fabricmanager").returncode
    assert (
        f"fabric manager NVIDIA GPU driver interface version {NEW} don't match with driver "
        f"version {OLD}. " in _said(host, "journalctl -o cat -u nvidia-fabricmanager")
    )
    assert _said(host, "systemctl is-failed nvidia-cdi-refresh.service") == "failed"
    reboot(host)
    assert _comes_to_show(host, NEW)
    assert _said(host, "systemctl is-active nvidia-fabricmanager") == "active"
    assert "0.fabric=3" in _said(host, "cat /run/standin-nvidia/state").splitlines()
    assert "nvidia.com/gpu=all" in _said(host, "nvidia-ctk cdi list").splitlines()

    xid(host, 0, 79, "pid=812, GPU has fallen off the bus.")
    last = _said(host, "dmesg").splitlines()[-1]
    assert last.endswith("] NVRM: Xid (PCI:0000:01:00): 79, pid=812, GPU has fallen off the bus.")
    upset_gpu(host, 0, error=15)
    break_gpu(host, 1, ecc_pending=0)
    assert _nvml(host) == pynvml.NVML_ERROR_GPU_IS_LOST
    reboot(host)
    assert _comes_to_show(host, NEW)
    assert "Xid" not in _said(host, "dmesg")
    assert "1.ecc=0" in _said(host, "cat /run/standin-nvidia/state").splitlines()
    assert _said(host, "systemctl is-system-running") == "running"


@pytest.mark.lab
def test_the_run_file_wants_its_order(hosts: list[LabHost], tmp_path: Path) -> None:
    host = hosts[1]
    root = Path(host.disk.root)
    install_repository(host, packages.repository(tmp_path / "packages", ()))
    for version in (OLD, NEW):
        shutil.copy(run_file(tmp_path, version), root / f"root/{version}.run")
    install = f"sh /root/{OLD}.run --silent --dkms --kernel-module-type=open --no-x-check"

    def refused(why: str, command: str = install) -> None:
        done = host.run(command)
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr

    refused("Unable to find the development tool `cc` in your path;")
    _said(host, f"{APT} dkms")
    refused("The Nouveau kernel driver is currently in use by your system.")
    refused("One or more modprobe configuration files to disable Nouveau are already present")
    reboot(host)
    refused("Unable to find the kernel source tree for the currently running kernel.")
    _said(host, f"{APT} linux-headers-$(uname -r)")
    refused(
        "nvidia-installer must be run as root",
        f"cp /root/{OLD}.run /tmp/ && chmod 755 "
        f"/tmp/{OLD}.run && setpriv --reuid 65534 --clear-groups /tmp/{OLD}.run --silent",
    )
    _said(host, install)
    assert _comes_to_show(host, OLD)
    assert "nvidia-installer command line:\n    ./nvidia-installer\n    --silent\n    --dkms" in (
        _said(host, "cat /var/log/nvidia-installer.log")
    )

    upset_gpu(host, 0, processes="1:100")
    newer = f"/root/{NEW}.run --silent"
    refused("An NVIDIA kernel module 'nvidia' appears to be already loaded in your kernel.", newer)
    assert _comes_to_show(host, OLD)
    # A power loss finds the old driver gone and the new one half there.
    slow_builds(host, 3)
    _said(host, f"systemd-run -q {newer} --allow-installation-with-running-driver")
    library = root / f"usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{NEW}"
    until = time.monotonic() + 60
    while not library.exists() and time.monotonic() < until:
        time.sleep(0.05)
    host.crash()
    host.start()
    mend_builds(host)
    assert host.run("nvidia-smi").returncode == 127
    _said(host, newer)
    assert _comes_to_show(host, NEW)
    _said(host, "nvidia-uninstall --silent")
    assert host.run("nvidia-smi").returncode == 127
    assert not library.exists()


@pytest.mark.lab
def test_ubuntu_replaces_a_branch_by_another(hosts: list[LabHost], tmp_path: Path) -> None:
    host = hosts[2]
    install_repository(host, packages.ubuntu_repository(tmp_path))
    _said(host, f"{APT} linux-headers-$(uname -r)")
    _said(host, f"{APT} nvidia-headless-570-server-open nvidia-utils-570-server")
    reboot(host)
    assert _nvml(host) == _at("570.133.20")
    _said(host, f"{APT} nvidia-headless-580-server-open nvidia-utils-580-server")
    installed = _said(host, "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n'").splitlines()
    there = [line.split()[0] for line in installed if line.endswith("ii ")]
    assert "nvidia-utils-580-server" in there
    assert not [name for name in there if "570" in name]
    assert _nvml(host) == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
    reboot(host)
    assert _comes_to_show(host, NEW)
