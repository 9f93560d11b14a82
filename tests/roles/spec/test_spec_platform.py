"""What is wrong below the instances, and how it is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roles.spec import (
    Accelerator,
    Accepted,
    AscendHdk,
    ContainerToolkit,
    CudaDriver,
    DriverPackages,
    DriverRunFile,
    Engine,
    HostFolder,
    HostSpec,
    Installer,
    LmdeployOptions,
    Stack,
    installers,
)
from tests.roles.spec.nouns import HASH, Nouns

_FOLDER = HostFolder(path="/mnt/installers")
_PACKAGES = DriverPackages(names=("nvidia-open",))


def _file(name: str) -> Installer:
    return Installer(file=name, sha256=HASH)


def _toolkit(version: str = "8.5.1") -> Installer:
    return _file(f"Ascend-cann-toolkit_{version}_linux-x86_64.run")


def _ops(version: str = "8.5.1") -> Installer:
    return _file(f"Ascend-cann-310p-ops_{version}_linux-x86_64.run")


def _hdk(driver: str = "310p", firmware: str = "310p") -> AscendHdk:
    return AscendHdk(
        driver=_file(f"Ascend-hdk-{driver}-npu-driver_25.2.0_linux-x86-64.run"),
        firmware=_file(f"Ascend-hdk-{firmware}-npu-firmware_7.7.0.6.236.run"),
    )


def _unpinned() -> Installer:
    (found,) = installers(Path("/none.sha256"), _hdk().firmware.file)
    return found


def _stack(n: Nouns, *installers: Installer) -> Stack:
    return n.stack(
        name="vllm-ascend-0.18",
        engine=Engine.VLLM_ASCEND,
        accelerator=Accelerator.ASCEND,
        driver=None,
        installers=installers,
    )


def _ascend(n: Nouns, *installers: Installer, **fields: object) -> HostSpec:
    right = {"accelerator": Accelerator.ASCEND, "installers": _FOLDER, "driver": _hdk()}
    return n.host(**right | {"ready_for": (_stack(n, *installers),)} | fields)


WRONG: list[tuple[Callable[[Nouns], HostSpec], str]] = [
    (
        lambda n: _ascend(n, *installers(Path("/none.sha256"), _toolkit().file)),
        "ready_for/vllm-ascend-0.18/installers/0/sha256: of "
        "Ascend-cann-toolkit_8.5.1_linux-x86_64.run is not in /none.sha256, "
        "add what sha256sum prints for a copy that you trust",
    ),
    (
        lambda n: _ascend(n, driver=_hdk().model_copy(update={"firmware": _unpinned()})),
        "driver/firmware/sha256: of Ascend-hdk-310p-npu-firmware_7.7.0.6.236.run is not in "
        "/none.sha256, add what sha256sum prints for a copy that you trust",
    ),
    (
        lambda n: n.host(driver=CudaDriver(version="580", source=_PACKAGES)),
        "driver/version: is '580', should be a version, as in 580.95.05",
    ),
    (
        lambda n: n.host(driver=CudaDriver(version="580.95.05", source=DriverPackages(names=()))),
        "driver/source/names: is (), should have at least 1 item",
    ),
    (
        lambda n: n.host(
            installers=_FOLDER,
            driver=CudaDriver(
                version="580.95.05",
                source=DriverRunFile(installer=_file("NVIDIA-Linux-x86_64-580.65.06.run")),
            ),
        ),
        "driver/version: is 580.95.05 while NVIDIA-Linux-x86_64-580.65.06.run brings another, "
        "should be 580.65.06",
    ),
    (
        lambda n: n.host(
            driver=CudaDriver(
                version="580.65.06",
                source=DriverRunFile(installer=_file("NVIDIA-Linux-x86_64-580.65.06.run")),
            ),
        ),
        "installers: is missing while NVIDIA-Linux-x86_64-580.65.06.run is wanted, "
        "name the folder that holds it",
    ),
    (
        lambda n: n.host(driver=_hdk(), installers=_FOLDER),
        "driver: drives ascend, this host has cuda, give a driver of cuda, or none",
    ),
    (
        lambda n: _ascend(n, driver=_hdk(firmware="910b")),
        "driver/firmware: is for 910b, the driver for 310p, take both from one HDK",
    ),
    (
        lambda n: _ascend(n, driver=AscendHdk(driver=_hdk().firmware, firmware=_hdk().firmware)),
        "driver/driver: Ascend-hdk-310p-npu-firmware_7.7.0.6.236.run is hdk-firmware, "
        "name an installer of hdk-driver",
    ),
    (
        lambda n: _ascend(n, containers=ContainerToolkit(version="1.18.0")),
        "containers: is given to a host with ascend, "
        "leave it out, the toolkit is for NVIDIA's GPUs",
    ),
    (
        lambda n: _ascend(n, ready_for=(n.stack(),)),
        "ready_for/vllm-0.26-cuda: needs cuda, this host has ascend, choose a stack for ascend",
    ),
    (
        lambda n: _ascend(n, _ops()),
        "ready_for/vllm-ascend-0.18/installers: has no toolkit, "
        "add Ascend-cann-toolkit, all others need it",
    ),
    (
        lambda n: _ascend(n, _toolkit(), _ops("8.5.0")),
        "ready_for/vllm-ascend-0.18/installers: mixes CANN 8.5.0 and 8.5.1, "
        "take toolkit, kernels or ops, and NNAL from one version",
    ),
    (
        lambda n: _ascend(n, _toolkit(), _hdk().firmware),
        "ready_for/vllm-ascend-0.18/installers/Ascend-hdk-310p-npu-firmware_7.7.0.6.236.run: "
        "is hdk-firmware, which belongs to the host, name it in the host's driver",
    ),
    (
        lambda n: n.host(ready_for=(n.stack(installers=(_toolkit(),)),), installers=_FOLDER),
        "ready_for/vllm-0.26-cuda/installers: is given to a stack for cuda, "
        "leave it out, only ascend stacks are made of installers",
    ),
    (
        lambda n: n.host(
            ready_for=(n.stack(accepts=(Accepted(advisory="CVE-1", reason="behind a proxy"),)),)
        ),
        "ready_for/vllm-0.26-cuda/accepts/0/advisory: is 'CVE-1', "
        "should be an advisory, as in CVE-2026-22778",
    ),
    (
        lambda n: n.chat(options=LmdeployOptions(session_len=4096)),
        "instances/chat/options: is for lmdeploy, vllm-0.26-cuda is vllm, give the options of vllm",
    ),
    (
        lambda n: n.chat(failing_device="ignore"),
        "instances/chat/failing_device: is 'ignore', should be 'refuse' or 'move'",
    ),
]


@pytest.mark.parametrize(("wrong", "line"), WRONG, ids=[line for _, line in WRONG])
def test_says_what_is_wrong(nouns: Nouns, wrong: Callable[[Nouns], HostSpec], line: str) -> None:
    assert [str(fault) for fault in wrong(nouns).faults()] == [line]


def test_two_of_a_kind(nouns: Nouns) -> None:
    stack = _stack(nouns, _toolkit(), _file("Ascend-cann-toolkit_8.5.1_linux-aarch64.run"))
    assert [str(fault) for fault in stack.faults()] == [
        f"installers/Ascend-cann-toolkit_8.5.1_linux-{arch}.run: is one of 2 of toolkit, give one"
        for arch in ("x86_64", "aarch64")
    ]


def test_right_hosts(nouns: Nouns) -> None:
    packages = CudaDriver(version="580.95.05", source=_PACKAGES)
    ascend = _ascend(nouns, _toolkit(), _ops())
    assert nouns.host(driver=packages).faults() == []
    assert ascend.faults() == []
    assert ascend.driver is not None
    assert ascend.driver.version == "25.2.0"


def test_every_stack_once(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), ready_for=(nouns.stack(), nouns.stack(name="other")))
    assert [stack.name for stack in spec.stacks] == ["vllm-0.26-cuda", "other"]


def test_installers_are_part_of_the_stack(nouns: Nouns) -> None:
    assert _stack(nouns, _toolkit()).digest != _stack(nouns).digest
