"""What the name of a vendor's file says, and how its hash is known."""

from pathlib import Path

import pytest

from roles.spec import Installer, InstallerKind, Package, installers
from tests.roles.spec.nouns import HASH

NAMES = {
    "NVIDIA-Linux-x86_64-580.95.05.run": Package(
        InstallerKind.NVIDIA_DRIVER, "580.95.05", arch="x86_64"
    ),
    "Ascend-hdk-910b-npu-driver_25.0.rc1.1_linux-x86-64.run": Package(
        InstallerKind.HDK_DRIVER, "25.0.rc1.1", chip="910b", arch="x86_64"
    ),
    "Ascend-hdk-310p-npu-driver_25.2.0_linux-aarch64.run": Package(
        InstallerKind.HDK_DRIVER, "25.2.0", chip="310p", arch="aarch64"
    ),
    "Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run": Package(
        InstallerKind.HDK_FIRMWARE, "7.7.0.1.231", chip="910b"
    ),
    "Ascend-cann-toolkit_8.5.1_linux-x86_64.run": Package(
        InstallerKind.TOOLKIT, "8.5.1", arch="x86_64"
    ),
    "Ascend-cann-kernels-910b_8.2.RC1_linux.run": Package(
        InstallerKind.KERNELS, "8.2.RC1", chip="910b"
    ),
    "Ascend-cann-kernels-310p_8.2.RC1_linux-aarch64.run": Package(
        InstallerKind.KERNELS, "8.2.RC1", chip="310p", arch="aarch64"
    ),
    "Ascend-cann-910b-ops_8.5.1_linux-aarch64.run": Package(
        InstallerKind.OPS, "8.5.1", chip="910b", arch="aarch64"
    ),
    "Ascend-cann-nnal_8.5.1_linux-aarch64.run": Package(
        InstallerKind.NNAL, "8.5.1", arch="aarch64"
    ),
    "Ascend-mindie_2.0.RC2_linux-aarch64.run": Package(
        InstallerKind.MINDIE, "2.0.RC2", arch="aarch64"
    ),
    "Ascend-mindie_3.0.0_linux-aarch64_abi1.run": Package(
        InstallerKind.MINDIE, "3.0.0", arch="aarch64", abi=1
    ),
    "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.1.0-abi0.tar.gz": Package(
        InstallerKind.ATB_MODELS, "2.3.0", arch="aarch64", abi=0, python="3.11", torch="2.1.0"
    ),
    "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py3.11_torch2.1.0-abi0.tar.gz": Package(
        InstallerKind.ATB_MODELS, "2.3.0", arch="aarch64", abi=0, python="3.11", torch="2.1.0"
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_says(name: str) -> None:
    assert Installer(file=name, sha256=HASH).about == NAMES[name]


@pytest.mark.parametrize(
    "name",
    [
        "driver.run",
        "../Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run",
        "Ascend-hdk-910b-npu-driver_25.0.rc1.1_linux.run",
        "Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run ",
        "Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run.1",
        "NVIDIA-Linux-x86_64-580.run",
    ],
)
def test_says_nothing(name: str) -> None:
    assert [str(fault) for fault in Installer(file=name, sha256=HASH).faults()] == [
        f"file: is {name!r}, should be the name that the vendor gave it, "
        "as in Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run"
    ]


TOOLKIT = "Ascend-cann-toolkit_8.5.1_linux-aarch64.run"
OPS = "Ascend-cann-910b-ops_8.5.1_linux-aarch64.run"


@pytest.mark.parametrize(
    "line",
    [
        f"{HASH}  {TOOLKIT}",
        f"{HASH} *{TOOLKIT}",
        f"{HASH}  ./{TOOLKIT}",
        f"{HASH}  /mnt/vendor files/{TOOLKIT}",
        f"\n{'1' * 64}  {OPS}\n{HASH}  {TOOLKIT}\n",
    ],
)
def test_pinned_by_a_list(line: str, tmp_path: Path) -> None:
    """As sha256sum prints it, of files in whatever folder."""
    listed = tmp_path / "stack.sha256"
    listed.write_text(line)
    (found,) = installers(listed, TOOLKIT)
    assert (found.file, found.sha256, found.faults()) == (TOOLKIT, HASH, [])


@pytest.mark.parametrize("text", [None, "", f"{HASH}  {OPS}\n", f"{HASH}  {TOOLKIT}.1\n", "x\n"])
def test_not_in_the_list(text: str | None, tmp_path: Path) -> None:
    """It loads, so that the fault is told beside all others when an inventory uses it."""
    listed = tmp_path / "stack.sha256"
    if text is not None:
        listed.write_text(text)
    (found,) = installers(listed, TOOLKIT)
    assert [str(fault) for fault in found.faults()] == [
        f"sha256: of {TOOLKIT} is not in {listed}, "
        "add what sha256sum prints for a copy that you trust"
    ]


def test_list_with_something_else(tmp_path: Path) -> None:
    (tmp_path / "stack.sha256").write_text(f"12345  {TOOLKIT}\n")
    (found,) = installers(tmp_path / "stack.sha256", TOOLKIT)
    assert [str(fault) for fault in found.faults()] == [
        "sha256: is '12345', should be 64 hexadecimal digits"
    ]


def test_without_a_hash() -> None:
    assert [str(fault) for fault in Installer(file=TOOLKIT).faults()] == [
        f"sha256: of {TOOLKIT} is missing, give what sha256sum prints for a copy that you trust"
    ]
