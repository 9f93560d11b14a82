"""Cards that are not there look as if they were, and packages are what dpkg takes them for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import LabHost
from tests.standins.hardware import deb, kernel
from tests.standins.hardware.booted import booted
from tests.standins.hardware.deb import Link, Package
from tests.standins.hardware.plug import KERNEL, Card, hook, plug, reboot

CARD = Card(
    slot="0000:c1:00.0", vendor="0x1234", device="0x5678", kind="0x120000",
    subvendor="0x1234", subdevice="0x0001", numa=1,
)  # fmt: skip
PACKAGE = Package(
    name="cards",
    version="2:1.0-1",
    files={
        "/etc/cards.conf": "fast\n",
        "/usr/bin/cards": "#!/bin/sh\nexit 0\n",
        "/usr/lib/cards": Link("cards.1"),
    },
    relations={"Depends": "dkms"},
    scripts={"postinst": "#!/bin/sh\nexit 0\n"},
)


def _dpkg_deb(*words: object) -> str:
    return subprocess.check_output(["dpkg-deb", *map(str, words)], text=True)


def test_packages_are_read_by_dpkg(tmp_path: Path) -> None:
    deb.repository(tmp_path, [PACKAGE])
    made = tmp_path / "cards_1.0-1_amd64.deb"
    assert _dpkg_deb("--field", made, "Version", "Depends").splitlines() == [
        "Version: 2:1.0-1",
        "Depends: dkms",
    ]
    listed = [
        line.split()[0] + line.split("./", 1)[1] for line in _dpkg_deb("-c", made).splitlines()
    ]
    assert "-rw-r--r--etc/cards.conf" in listed
    assert "-rwxr-xr-xusr/bin/cards" in listed
    assert "lrwxrwxrwxusr/lib/cards -> cards.1" in listed
    assert _dpkg_deb("--info", made, "conffiles") == "/etc/cards.conf\n"
    assert _dpkg_deb("--info", made, "postinst") == PACKAGE.scripts["postinst"]
    assert deb.build(PACKAGE) == made.read_bytes()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A host with one card of a vendor whose module just loads."""
    hooks = tmp_path_factory.mktemp("hooks")
    (hooks / "boot.d").mkdir()
    (hooks / "boot.d/10-cards.sh").write_text(
        ". /usr/lib/standin/hardware.sh\n"
        "modprobe -q -b cards || exit 0\n"
        "loaded cards || exit 0\n"
        "for slot in $(slots 0x1234 0x12); do bind cards $slot; done\n"
    )
    with booted("hardware", 1) as (made,):
        hook(made, hooks)
        plug(made, [CARD])
        yield made


def _said(host: LabHost, command: str) -> str:
    done = host.run(command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.lab
def test_cards_are_on_the_bus_and_no_others(host: LabHost) -> None:
    assert _said(host, "ls /sys/bus/pci/devices") == CARD.slot
    files = "vendor device class subsystem_vendor subsystem_device numa_node"
    assert _said(host, f"cd /sys/bus/pci/devices/{CARD.slot} && cat {files}").split() == [
        "0x1234", "0x5678", "0x120000", "0x1234", "0x0001", "1",
    ]  # fmt: skip
    assert _said(host, "systemctl is-system-running") == "running"


@pytest.mark.lab
def test_modules_are_loaded_at_boot_and_forgotten_with_it(host: LabHost) -> None:
    missing = host.run("modprobe cards")
    assert missing.returncode == 1
    assert f"FATAL: Module cards not found in directory /lib/modules/{KERNEL}" in missing.stderr

    folder = f"/lib/modules/{KERNEL}/kernel"
    _said(host, f"mkdir -p {folder} && echo version=7 > {folder}/cards.ko")
    driver = f"readlink /sys/bus/pci/devices/{CARD.slot}/driver"
    assert host.run(driver).returncode
    reboot(host)
    assert _said(host, f"{driver}; cat /sys/module/cards/version").split() == [
        "../../drivers/cards",
        "7",
    ]
    assert "cards " in _said(host, "lsmod")
    _said(host, "rmmod cards")
    assert "is not currently loaded" in host.run("rmmod cards").stderr

    _said(host, "mkdir -p /etc/modprobe.d && echo blacklist cards > /etc/modprobe.d/no.conf")
    reboot(host)
    assert "cards " not in _said(host, "lsmod")
    _said(host, "modprobe cards && rm /etc/modprobe.d/no.conf")


@pytest.mark.lab
def test_dkms_builds_once_there_are_headers(host: LabHost, tmp_path: Path) -> None:
    folder = deb.repository(tmp_path, kernel.packages())
    for made in folder.glob("*.deb"):
        (Path(host.disk.root) / "root" / made.name).write_bytes(made.read_bytes())
    build = f"/lib/modules/{KERNEL}/build"
    _said(host, "cd /root && dpkg -i gcc_* make_* dkms_*")
    _said(host, "mkdir -p /usr/src/cards-8 && cd /usr/src/cards-8"
                " && printf 'modules=cards\\nmodule.version=8\\n' > dkms.conf"
                " && dkms add -m cards -v 8")  # fmt: skip
    refused = host.run("dkms build -m cards -v 8")
    assert refused.returncode == 1
    assert (
        f"Error! Your kernel headers for kernel {KERNEL} cannot be found at {build} or "
        in refused.stderr
    )
    assert _said(host, "/usr/lib/dkms/common.postinst cards 8").endswith(
        "kernel headers for this kernel do not seem to be installed."
    )
    assert _said(host, "dkms status") == "cards/8: added"
    assert host.run(f"test -e {build}").returncode

    _said(host, "dpkg -i /root/linux-headers-*")
    assert (
        _said(host, f"ls -d {build}/include; dkms status").splitlines()[1].endswith(": installed")
    )
    assert _said(host, "modinfo -F version cards") == "8"
