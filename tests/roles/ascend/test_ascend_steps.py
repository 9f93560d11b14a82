"""From what a host has to its pinned driver and firmware: which steps, in which order."""

import re
from typing import Any

import pytest

from roles import ascend
from roles.platform import PlatformError
from tests.roles.ascend.hosts import (
    HDK,
    NEWER,
    OLDER,
    Found,
    found,
    hdk,
    names,
    part,
    spec,
    stack,
    steps,
)
from tests.roles.spec.nouns import Nouns

DRIVER, FIRMWARE = f"hdk-driver-{HDK[0]}", f"hdk-firmware-{HDK[1]}"
AWAY = ["hdk-uninstall-firmware", "hdk-uninstall-driver"]
FRESH = part((None, None))


@pytest.mark.parametrize("chip", ["310p", "910b"])
def test_fresh(nouns: Nouns, chip: str) -> None:
    """The driver first, then the firmware; CANN comes after the reboot."""
    wanted = spec(nouns, stack(nouns, "8.5.1", chip=chip), driver=hdk(*HDK, chip=chip))
    told = found(None, tools=["apt-get", "gcc"], user=False)
    told["system"] |= {"headers": False, "os": {"id": "ubuntu", "version": "22.04"}}
    planned = steps(wanted, told)
    assert [*planned] == ["apt-update", "ascend-needs", "ascend-user", DRIVER, FIRMWARE]
    assert planned["ascend-needs"].words[-5:] == (
        *("make", "dkms", "pciutils", "net-tools"), f"linux-headers-{told['system']['kernel']}",
    )  # fmt: skip
    assert (
        planned["ascend-user"]
        .words[-1]
        .endswith("useradd -g HwHiAiUser -d /home/HwHiAiUser -m HwHiAiUser -s /bin/bash")
    )
    driver, firmware = planned[DRIVER], planned[FIRMWARE]
    assert driver.words == ("bash", "{file}", "--full", "--install-for-all", "--quiet")
    assert firmware.words == ("bash", "{file}", "--full", "--quiet")
    assert driver.installer
    assert driver.installer.about.chip == chip
    assert [driver.codes, driver.stops, firmware.stops] == [(0, 2), False, False]
    assert not driver.always_reboot


@pytest.mark.parametrize(
    ("os", "manager"), [("openEuler", "dnf"), ("kylin", "yum"), ("centos", "yum")]
)
def test_needs_of_those_that_name_packages_as_red_hat(nouns: Nouns, os: str, manager: str) -> None:
    told = found(None, tools=[manager, "gcc", "make", "lspci"])
    told["system"] |= {"os": {"id": os, "version": "?"}, "headers": False}
    needs = ascend.steps(spec(nouns, driver=hdk(*HDK)), told)[0]
    kernel = told["system"]["kernel"]
    headers = (f"kernel-headers-{kernel}", f"kernel-devel-{kernel}")
    assert needs.words == (manager, "install", "-y", "dkms", "net-tools", *headers)


@pytest.mark.parametrize("tools", [["gcc", "make", "lspci", "ifconfig"], ["dnf", "dkms", "gcc"]])
def test_needs_of_an_unknown_os(nouns: Nouns, tools: list[str]) -> None:
    """Nothing is tried there, and it is said what is missing; with all of it there is no fault."""
    wanted, told = spec(nouns, driver=hdk(*HDK)), found(None, tools=tools)
    told["system"]["os"] = {"id": "uos", "version": "20"}
    with pytest.raises(PlatformError, match=r"(dkms|make).* are missing, and how uos installs"):
        ascend.steps(wanted, told)
    whole = found(None)
    whole["system"]["os"] = {"id": "uos", "version": "20"}
    assert names(wanted, whole) == [DRIVER, FIRMWARE]


def test_packages_that_were_cut_short(nouns: Nouns) -> None:
    """What apt left in the middle is ended first, whatever of it can be seen."""
    wanted = spec(nouns, driver=hdk(*HDK))
    assert names(wanted, found(None, "ascend-needs", tools=["apt-get", "gcc"]))[:4] == [
        *("dpkg-configure", "apt-repair", "apt-update", "ascend-needs"),
    ]
    nothing_missing = names(wanted, found(None, "ascend-needs"))
    assert nothing_missing[:3] == ["dpkg-configure", "apt-repair", DRIVER]


def test_same(nouns: Nouns) -> None:
    assert names(spec(nouns, driver=hdk(*HDK)), found(part())) == []


def test_nothing_is_asked_for(nouns: Nouns) -> None:
    told = found(part(OLDER))
    del told["platform"]["ascend"]
    assert names(spec(nouns), told) == []


def test_upgrade(nouns: Nouns) -> None:
    """
    Over a driver at work the firmware goes first, and instances are stopped; where no reboot is
    allowed, a host that serves is not begun.
    """
    planned = steps(spec(nouns, driver=hdk(*NEWER)), found(part()))
    assert [*planned] == [f"hdk-firmware-{NEWER[1]}", f"hdk-driver-{NEWER[0]}"]
    for step in planned.values():
        assert step.words == ("bash", "{file}", "--upgrade", "--quiet")
        assert step.stops
        assert step.always_reboot


def test_upgrade_of_a_driver_that_does_not_run(nouns: Nouns) -> None:
    """No firmware is written by it."""
    there = part(OLDER, hdk={"loaded": None, "module": False})
    assert names(spec(nouns, driver=hdk(*HDK)), found(there)) == [DRIVER, FIRMWARE]


def test_driver_that_is_not_for_all(nouns: Nouns) -> None:
    """Instances have users of their own; an upgrade would leave it as it is."""
    for installed, wanted in ((HDK, HDK), (HDK, NEWER)):
        told = found(part(installed, hdk={"for_all": False}))
        driver = steps(spec(nouns, driver=hdk(*wanted)), told)[f"hdk-driver-{wanted[0]}"]
        assert driver.words == ("bash", "{file}", "--full", "--install-for-all", "--quiet")


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [
        ((HDK[0], OLDER[1]), [FIRMWARE]),
        ((OLDER[0], HDK[1]), [DRIVER]),
        ((HDK[0], None), [FIRMWARE]),
    ],
)
def test_only_what_differs(
    nouns: Nouns, installed: tuple[str | None, str | None], wanted: list[str]
) -> None:
    assert names(spec(nouns, driver=hdk(*HDK)), found(part(installed))) == wanted


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (HDK, OLDER),
        ((HDK[0], HDK[1]), (HDK[0], OLDER[1])),
        (("25.2.0", HDK[1]), ("25.2.rc1", HDK[1])),
        (("25.0.rc1.1", HDK[1]), ("24.1.rc3", HDK[1])),
    ],
)
def test_downgrade(nouns: Nouns, there: tuple[str, str], wanted: tuple[str, str]) -> None:
    """Both go, and after the reboot the host is as fresh."""
    planned = steps(spec(nouns, driver=hdk(*wanted)), found(part(there)))
    assert [*planned] == AWAY
    firmware, driver = planned.values()
    assert [firmware.always_reboot, driver.always_reboot] == [False, True]
    assert driver.stops
    assert driver.words[-2:] == (
        '[ ! -f "$0" ] || exec bash "$0" --force',
        "/usr/local/Ascend/driver/script/uninstall.sh",
    )
    after = names(spec(nouns, driver=hdk(*wanted)), found(FRESH))
    assert after == [f"hdk-driver-{wanted[0]}", f"hdk-firmware-{wanted[1]}"]


@pytest.mark.parametrize(
    ("there", "began", "wanted"),
    [
        # Of a fresh host: nothing is there, or the driver's files are new before it is whole.
        (FRESH, DRIVER, [DRIVER, FIRMWARE]),
        (part((HDK[0], None), hdk={"loaded": None}), DRIVER, [DRIVER, FIRMWARE]),
        (part((HDK[0], None), hdk={"module": False}), DRIVER, [DRIVER, FIRMWARE]),
        (part(hdk={"loaded": None, "module": False}), FIRMWARE, ["hdk-reload-" + HDK[0]]),
        # Of an upgrade: the firmware was first, the driver takes the old one away before it comes.
        (part((OLDER[0], HDK[1])), FIRMWARE, [FIRMWARE, DRIVER]),
        (part((None, HDK[1])), DRIVER, [DRIVER]),
        (part((None, HDK[1]), hdk={"module": True}), DRIVER, [DRIVER]),
        (part(), DRIVER, [DRIVER]),
        (part(), FIRMWARE, [FIRMWARE]),
        # Another version is wanted by now.
        (part(), f"hdk-driver-{NEWER[0]}", [DRIVER]),
        # Of the way back.
        (part((HDK[0], None)), AWAY[0], AWAY),
        (part((None, None), hdk={"module": True}), AWAY[1], AWAY),
        (FRESH, AWAY[1], AWAY),
    ],
)
def test_what_was_cut_short_is_done_again(
    nouns: Nouns, there: Found, began: str, wanted: list[str]
) -> None:
    assert names(spec(nouns, driver=hdk(*HDK)), found(there, began)) == wanted


@pytest.mark.parametrize(
    "running", [{"loaded": OLDER[0]}, {"loaded": None}, {"loaded": None, "module": False}]
)
def test_driver_on_disk_that_does_not_run(nouns: Nouns, running: dict[str, Any]) -> None:
    """A boot may help, once: of another that is as good nobody would know."""
    wanted, told = spec(nouns, driver=hdk(*HDK)), found(part((HDK[0], OLDER[1]), hdk=running))
    (step,) = ascend.steps(wanted, told)
    assert (step.name, step.always_reboot, step.stops) == (f"hdk-reload-{HDK[0]}", True, True)
    told["platform"]["reboot"] = {
        "why": f"{step.name} takes effect with a reboot", "boot_id": "of before",
    }  # fmt: skip
    assert names(wanted, told) == [FIRMWARE]


def test_no_chip(nouns: Nouns) -> None:
    told = found(None)
    told["accelerators"]["pci"] = []
    with pytest.raises(PlatformError, match="no Ascend NPU is plugged in"):
        ascend.steps(spec(nouns, driver=hdk(*HDK)), told)


def test_unasked(nouns: Nouns) -> None:
    told = found(part())
    del told["platform"]["ascend"]
    with pytest.raises(PlatformError, match="is not known"):
        ascend.steps(spec(nouns, driver=hdk(*HDK)), told)


@pytest.mark.parametrize(
    ("said", "step", "done", "reboots"),
    [
        ("[INFO]\x1b[32mDriver package installed successfully! \x1b[0m\x1b[31mReboot needed for "
         "installation/upgrade to take effect! \x1b[0m", DRIVER, True, True),
        ("[INFO]Driver package installed successfully! The new version takes effect immediately. ",
         DRIVER, True, False),
        ("[INFO]Failed to install driver package, please retry after uninstall and reboot!",
         DRIVER, False, False),
        ("Firmware package installed successfully! Reboot now or after driver installation for "
         "the installation/upgrade to take effect.", FIRMWARE, True, True),
        ("The firmware of [8] chips are successfully upgraded.", FIRMWARE, False, False),
    ],
)  # fmt: skip
def test_what_the_installers_say(
    nouns: Nouns, said: str, step: str, done: bool, reboots: bool
) -> None:

    planned = steps(spec(nouns, driver=hdk(*HDK)), found(FRESH))[step]
    assert any(re.search(pattern, said) for pattern in planned.success) is done
    assert any(re.search(pattern, said) for pattern in planned.reboot) is reboots
