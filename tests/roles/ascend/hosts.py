"""Hosts with Ascend as the probe tells of them, and what they are wanted to be."""

from typing import Any

from roles import ascend
from roles.platform import Step
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

Found = dict[str, Any]

HDK, OLDER, NEWER = (
    ("25.0.rc1.2", "7.7.0.1.231"), ("25.0.rc1.1", "7.5.0.1.129"), ("25.2.0", "7.7.0.6.236"),
)  # fmt: skip
TOOLS = ["dkms", "gcc", "make", "lspci", "ifconfig", "pip3", "apt-get"]
MODELS = "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py311_torch2.1.0-abi0.tar.gz"
MINDIE = "Ascend-mindie_3.0.0_linux-aarch64_abi0.run"


def file(name: str, sha256: str = HASH) -> Installer:
    """Return a pinned file."""
    return Installer(file=name, sha256=sha256)


def hdk(driver: str, firmware: str, chip: str = "910b") -> AscendHdk:
    """Return driver and firmware."""
    return AscendHdk(
        driver=file(f"Ascend-hdk-{chip}-npu-driver_{driver}_linux-aarch64.run"),
        firmware=file(f"Ascend-hdk-{chip}-npu-firmware_{firmware}.run"),
    )


def stack(n: Nouns, cann: str, *more: str, chip: str = "910b", **fields: Any) -> Stack:
    """Return a stack on one CANN, with more files of the vendor's."""
    operators = f"Ascend-cann-{chip}-ops_{cann}_linux-aarch64.run"
    if cann < "8.5":
        operators = f"Ascend-cann-kernels-{chip}_{cann}_linux-aarch64.run"
    names = (
        f"Ascend-cann-toolkit_{cann}_linux-aarch64.run",
        operators,
        f"Ascend-cann-nnal_{cann}_linux-aarch64.run",
        *more,
    )
    right: dict[str, Any] = {
        "name": f"on-cann-{cann.lower()}",
        "engine": Engine.MINDIE,
        "accelerator": Accelerator.ASCEND,
        "driver": None,
        "version": "3.0.0",
        "installers": tuple(map(file, names)),
    }
    return n.stack(**right | fields)


def spec(n: Nouns, *stacks: Stack, driver: AscendHdk | None = None) -> HostSpec:
    """Return a host that is to be ready for stacks."""
    return n.host(
        accelerator=Accelerator.ASCEND,
        driver=driver,
        ready_for=stacks,
        installers=HostFolder(path="/mnt/ascend"),
    )


def found(part: Found | None, *began: str, **files: Any) -> Found:
    """
    Return what the probe says.

    :param began: steps that were cut short
    :param files: of what the probe says beside the packages
    """
    told = bare()
    told["system"] |= {"arch": "aarch64", "kernel": "5.10.0-216.0.0.115.oe2203sp4.aarch64"}
    card = devices.card(
        vendor="0x19e5", device="0xd802", driver=None, what="Ascend 910B", **{"class": "0x120000"}
    )
    told["accelerators"] = {"pci": [card], "cuda": None, "ascend": part}
    beside = {"tools": TOOLS, "user": True, "environments": [], "settings": {}} | files
    told["platform"] = {
        "began": {name: {} for name in began}, "reboot": None, "cuda": None, "ascend": beside,
    }  # fmt: skip
    return told


def part(installed: tuple[str | None, str | None] = HDK, **fields: Any) -> Found:
    """
    Return what it says of Ascend, with a driver that runs.

    :param fields: other than a healthy host has; ``hdk`` alone is of the HDK's own
    """
    driver, firmware = installed
    right = {"driver": driver, "firmware": firmware, "loaded": driver, "module": bool(driver)}
    known = devices.ascend()["hdk"] | right | fields.pop("hdk", {})
    return devices.ascend(devices.npu(), hdk=known, **{"cann": [], **fields})


def of(cann: str, **fields: Any) -> Found:
    """Return what is told of one CANN that is installed whole."""
    kind = "kernels" if cann < "8.5" else "ops"
    there = {"version": cann, "path": "…"}
    return {"cann": [there], "ops": [there | {"kind": kind}], "nnal": [there]} | fields


def names(wanted: HostSpec, told: Found) -> list[str]:
    """Return the names of the steps."""
    return [step.name for step in ascend.steps(wanted, told)]


def steps(wanted: HostSpec, told: Found) -> dict[str, Step]:
    """Return the steps by their names."""
    return {step.name: step for step in ascend.steps(wanted, told)}
