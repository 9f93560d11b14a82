"""From what a host has to its pinned HDK and CANN: which steps, in which order."""

from collections.abc import Mapping
from typing import Any

import pytest

from roles import ascend
from roles.platform import PlatformError
from roles.spec import (
    Accelerator,
    AscendHdk,
    Engine,
    HostFolder,
    HostSpec,
    Installer,
    Stack,
)
from tests.roles import devices
from tests.roles.faked import bare
from tests.roles.spec.nouns import HASH, Nouns

TOOLS = ["dkms", "gcc", "make", "lspci", "ifconfig", "pip3", "apt-get"]


def _file(name: str) -> Installer:
    return Installer(file=name, sha256=HASH)


def _hdk(driver: str = "25.2.0", firmware: str = "7.7.0.6.236") -> AscendHdk:
    return AscendHdk(
        driver=_file(f"Ascend-hdk-310p-npu-driver_{driver}_linux-x86-64.run"),
        firmware=_file(f"Ascend-hdk-310p-npu-firmware_{firmware}.run"),
    )


def _stack(n: Nouns, cann: str = "8.5.1", *more: str) -> Stack:
    operators = f"Ascend-cann-310p-ops_{cann}_linux-x86_64.run"
    if cann.startswith("8.2"):
        operators = f"Ascend-cann-kernels-310p_{cann}_linux-x86_64.run"
    names = (
        f"Ascend-cann-toolkit_{cann}_linux-x86_64.run",
        operators,
        f"Ascend-cann-nnal_{cann}_linux-x86_64.run",
        *more,
    )
    return n.stack(
        name=f"on-cann-{cann.lower()}",
        engine=Engine.MINDIE,
        accelerator=Accelerator.ASCEND,
        driver=None,
        version="3.0.0",
        installers=tuple(map(_file, names)),
    )


def _spec(n: Nouns, *stacks: Stack, hdk: AscendHdk | None = None) -> HostSpec:
    return n.host(
        accelerator=Accelerator.ASCEND,
        driver=hdk or _hdk(),
        ready_for=stacks,
        installers=HostFolder(path="/mnt/ascend"),
    )


def _found(
    part: dict[str, Any] | None, *, began: tuple[str, ...] = (), **files: Any
) -> dict[str, Any]:
    found = bare()
    found["accelerators"] |= {"cuda": None, "ascend": part}
    beside = {"tools": TOOLS, "user": True, "environments": []} | files
    found["platform"] = {"began": dict.fromkeys(began), "reboot": None, "ascend": beside}
    return found


def _part(
    driver: str | None = "25.2.0", firmware: str | None = "7.7.0.6.236", **fields: Any
) -> dict[str, Any]:
    known = devices.ascend()["hdk"]
    loaded = fields.pop("loaded", driver)
    hdk = known | {"driver": driver, "firmware": firmware, "loaded": loaded, "module": bool(loaded)}
    return devices.ascend(devices.npu(), hdk=hdk, **({"cann": []} | fields))


def _names(spec: HostSpec, found: Mapping[str, Any]) -> list[str]:
    return [step.name for step in ascend.steps(spec, dict(found))]


def test_fresh(nouns: Nouns) -> None:
    """The driver first, then the firmware; CANN comes after the reboot."""
    found = _found(None, tools=["apt-get", "gcc"], user=False)
    found["system"]["headers"] = False
    steps = ascend.steps(_spec(nouns, _stack(nouns)), found)
    assert [step.name for step in steps] == [
        "apt-update",
        "ascend-needs",
        "ascend-user",
        "hdk-driver-25.2.0",
        "hdk-firmware-7.7.0.6.236",
    ]
    _, needs, _, driver, firmware = steps
    assert needs.words[-5:] == (
        "make", "dkms", "pciutils", "net-tools", f"linux-headers-{found['system']['kernel']}",
    )  # fmt: skip
    assert driver.words == ("bash", "{file}", "--full", "--install-for-all", "--quiet")
    assert firmware.words == ("bash", "{file}", "--full", "--quiet")
    assert [driver.codes, driver.stops, firmware.stops] == [(0, 2), False, False]


@pytest.mark.parametrize("manager", ["dnf", "yum"])
def test_needs_of_openeuler(nouns: Nouns, manager: str) -> None:
    found = _found(None, tools=[manager, "gcc", "make", "lspci", "ifconfig"])
    found["system"] |= {"os": {"id": "openEuler", "version": "22.03"}, "headers": False}
    needs = ascend.steps(_spec(nouns), found)[0]
    kernel = found["system"]["kernel"]
    headers = (f"kernel-headers-{kernel}", f"kernel-devel-{kernel}")
    assert needs.words == (manager, "install", "-y", "dkms", *headers)


def test_needs_that_nothing_can_install(nouns: Nouns) -> None:
    found = _found(None, tools=["gcc", "make", "lspci", "ifconfig"])
    found["system"]["os"] = {"id": "ctyunos", "version": "23.01"}
    with pytest.raises(PlatformError, match=r"dkms are missing, and neither apt-get, dnf nor yum"):
        ascend.steps(_spec(nouns), found)


def test_ready(nouns: Nouns) -> None:
    stack = _stack(nouns)
    part = _part(
        cann=[{"version": "8.5.1"}], ops=[{"version": "8.5.1"}], nnal=[{"version": "8.5.1"}]
    )
    assert _names(_spec(nouns, stack), _found(part, environments=[stack.folder])) == []
    assert _names(_spec(nouns), _found(_part())) == []


def test_upgrade(nouns: Nouns) -> None:
    """Over a driver at work the firmware goes first, and instances are stopped."""
    firmware, driver = ascend.steps(_spec(nouns), _found(_part("25.0.rc1.1", "7.7.0.1.231")))
    assert (firmware.name, driver.name) == ("hdk-firmware-7.7.0.6.236", "hdk-driver-25.2.0")
    assert driver.words == ("bash", "{file}", "--upgrade", "--quiet")
    assert firmware.words == ("bash", "{file}", "--upgrade", "--quiet")
    assert (firmware.stops, driver.stops) == (True, True)


def test_firmware_alone(nouns: Nouns) -> None:
    names = _names(_spec(nouns), _found(_part(firmware="7.7.0.1.231")))
    assert names == ["hdk-firmware-7.7.0.6.236"]


def test_downgrade(nouns: Nouns) -> None:
    """Both go, and after the reboot the host is as fresh."""
    spec = _spec(nouns, hdk=_hdk("24.1.rc3", "7.5.0.1.129"))
    steps = ascend.steps(spec, _found(_part()))
    assert [step.name for step in steps] == ["hdk-uninstall-firmware", "hdk-uninstall-driver"]
    assert [step.always_reboot for step in steps] == [False, True]
    assert steps[1].words[-2:] == (
        '[ ! -f "$0" ] || exec bash "$0" --force',
        "/usr/local/Ascend/driver/script/uninstall.sh",
    )
    after = _found(_part(None, None))
    assert _names(spec, after) == ["hdk-driver-24.1.rc3", "hdk-firmware-7.5.0.1.129"]


@pytest.mark.parametrize(
    ("part", "began", "names"),
    [
        # The driver's files are new before it is whole.
        (
            _part(firmware=None, loaded=None),
            ("hdk-driver-25.2.0",),
            ["hdk-driver-25.2.0", "hdk-firmware-7.7.0.6.236"],
        ),
        (_part(), ("hdk-firmware-7.7.0.6.236",), ["hdk-firmware-7.7.0.6.236"]),
        (
            _part(None, "7.7.0.6.236", loaded=None),
            ("hdk-uninstall-driver",),
            ["hdk-uninstall-firmware", "hdk-uninstall-driver"],
        ),
    ],
)
def test_what_was_cut_short_is_done_again(
    nouns: Nouns, part: dict[str, Any], began: tuple[str, ...], names: list[str]
) -> None:
    assert _names(_spec(nouns), _found(part, began=began)) == names


def test_driver_on_disk_that_does_not_run(nouns: Nouns) -> None:
    (step,) = ascend.steps(_spec(nouns), _found(_part(loaded="25.0.rc1.1")))
    assert (step.name, step.always_reboot) == ("hdk-reload-25.2.0", True)


def test_cann(nouns: Nouns) -> None:
    """In the order in which each needs the one before, NNAL and MindIE with its variables."""
    models = "Ascend-mindie-atb-models_3.0.0_linux-x86_64_py311_torch2.1.0-abi0.tar.gz"
    stack = _stack(nouns, "8.5.1", models, "Ascend-mindie_3.0.0_linux-x86_64_abi0.run")
    spec = _spec(nouns, stack)
    toolkit, ops, nnal, mindie, models_, environment = ascend.steps(spec, _found(_part()))
    names = [step.name for step in (toolkit, ops, nnal, mindie, models_, environment)]
    assert names == [
        "toolkit-8.5.1",
        "ops-310p-8.5.1",
        "nnal-8.5.1",
        "mindie-3.0.0",
        "atb-models-3.0.0",
        f"environment-{stack.folder}",
    ]
    assert toolkit.words == ("bash", "{file}", "--install", "--quiet")
    set_env = "/usr/local/Ascend/cann-8.5.1/set_env.sh"
    assert nnal.words[:2] == mindie.words[:2] == ("bash", "-c")
    assert nnal.words[3:] == (set_env, "{file}", "--install", "--quiet")
    assert environment.words == (
        "/usr/bin/python3",
        "/opt/metalserve/hostside/environment.py",
        f"/opt/metalserve/ascend/{stack.folder}.environment",
        set_env,
        "/usr/local/Ascend/nnal/atb/set_env.sh",
        "/usr/local/Ascend/atb-models-3.0.0/set_env.sh",
        "/usr/local/Ascend/mindie/set_env.sh",
    )


def test_older_cann(nouns: Nouns) -> None:
    """It has kernels, and one file of variables for all versions."""
    stack = _stack(nouns, "8.2.RC1")
    steps = ascend.steps(_spec(nouns, stack), _found(_part()))
    assert [step.name for step in steps][:3] == [
        "toolkit-8.2.RC1",
        "kernels-310p-8.2.RC1",
        "nnal-8.2.RC1",
    ]
    assert steps[-1].words[3] == "/usr/local/Ascend/ascend-toolkit/set_env.sh"


def test_second_cann_beside_the_first(nouns: Nouns) -> None:
    """What is there is left alone, and so is what was captured of it."""
    first, second = _stack(nouns, "8.5.0"), _stack(nouns, "8.5.1")
    there = [{"version": "8.5.0"}]
    part = _part(cann=there, ops=there, nnal=there)
    found = _found(part, environments=[first.folder])
    assert _names(_spec(nouns, first, second), found) == [
        "toolkit-8.5.1",
        "ops-310p-8.5.1",
        "nnal-8.5.1",
        f"environment-{second.folder}",
    ]
    assert _names(_spec(nouns, first), found) == []


def test_toolkit_that_two_stacks_share(nouns: Nouns) -> None:
    one = _stack(nouns, "8.5.1")
    other = _stack(nouns, "8.5.1", "Ascend-mindie_3.0.0_linux-x86_64_abi0.run")
    two = other.model_copy(update={"name": "another"})
    names = _names(_spec(nouns, one, two), _found(_part()))
    assert len(names) == len(set(names))
    assert names.count("toolkit-8.5.1") == 1


def test_cann_that_was_cut_short(nouns: Nouns) -> None:
    stack = _stack(nouns)
    there = [{"version": "8.5.1"}]
    part = _part(cann=there, ops=there, nnal=there)
    found = _found(part, began=("toolkit-8.5.1",), environments=[stack.folder])
    assert _names(_spec(nouns, stack), found) == ["toolkit-8.5.1", f"environment-{stack.folder}"]


def test_pip_for_the_toolkit(nouns: Nouns) -> None:
    found = _found(_part(), tools=["apt-get"])
    assert _names(_spec(nouns, _stack(nouns)), found)[:2] == ["apt-update", "ascend-needs"]


def test_unasked(nouns: Nouns) -> None:
    found = _found(_part())
    del found["platform"]["ascend"]
    with pytest.raises(PlatformError, match="is not known"):
        ascend.steps(_spec(nouns), found)
