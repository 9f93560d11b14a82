"""Versions are read from the files of each package, wherever links lead."""

from pathlib import Path
from typing import Any

import ascend_versions
import pytest
from ascend_root import Files

HOME = "/usr/local/Ascend"
DRIVER = "Version=25.2.0\ncompatible_version_fw=[6.4.0,6.4.99],[7.0.0,7.7.99]\n"
FIRMWARE = "Version=7.7.0.6.236\ncompatible_version_drv=[24.1,24.1.],[25.2,25.2.]\n"
INFO = "UserName=HwHiAiUser\nUserGroup=HwHiAiUser\nDriver_Install_For_All=yes\n"


def write(root: Path, files: dict[str, str]) -> None:
    """Write files by their paths on the host."""
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _said(version: str, package: str = "toolkit") -> str:
    return f"package_name=Ascend-cann-{package}\nversion={version}\narch=aarch64\nos=linux\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with an HDK and two CANN, of both layouts, and all that goes on top."""
    home = tmp_path / HOME[1:]
    toolkit = "aarch64-linux/ascend_toolkit_install.info"
    write(
        tmp_path,
        {
            f"{HOME}/driver/version.info": DRIVER,
            f"{HOME}/firmware/version.info": FIRMWARE,
            "/etc/ascend_install.info": INFO,
            "/proc/modules": "drv_pcie_host 1 0 - Live 0x0\n",
            f"{HOME}/ascend-toolkit/8.2.RC1/{toolkit}": _said("8.2.RC1"),
            f"{HOME}/ascend-toolkit/8.2.RC1/opp_kernel/version.info": "version_dir=8.2.RC1\n",
            f"{HOME}/cann-8.5.1/{toolkit}": _said("8.5.1"),
            f"{HOME}/cann-8.5.1/aarch64-linux/ascend_ops_install.info": _said("8.5.1", "310p-ops"),
            f"{HOME}/nnal/atb/8.5.1/version.info": "    Ascend-cann-atb : 8.5.1\n",
            f"{HOME}/mindie/2.1.RC1/version.info": "Ascend-mindie : MindIE 2.1.RC1.B152\n",
            f"{HOME}/atb-models-2.1.RC1/version.info": "ATB-Models Version : 2.1.RC1.B9\n",
        },
    )
    (home / "cann").symlink_to(f"{HOME}/cann-8.5.1")
    (home / "ascend-toolkit/latest").symlink_to("../cann-8.5.1")
    (home / "nnal/atb/latest").symlink_to("8.5.1")
    (home / "mindie/latest").symlink_to("2.1.RC1")
    (home / "atb-models").symlink_to("atb-models-2.1.RC1")
    return tmp_path


def test_versions(root: Path) -> None:
    """Each once, whatever links name it too, by its path on the host."""
    assert ascend_versions.read(str(root)) == {
        "hdk": {
            "driver": "25.2.0",
            "firmware": "7.7.0.6.236",
            "compatible_firmware": [["6.4.0", "6.4.99"], ["7.0.0", "7.7.99"]],
            "compatible_driver": [["24.1", "24.1."], ["25.2", "25.2."]],
            "user": "HwHiAiUser",
            "group": "HwHiAiUser",
            "for_all": True,
            "loaded": None,
            "module": True,
        },
        "cann": [
            {"version": "8.2.RC1", "path": f"{HOME}/ascend-toolkit/8.2.RC1", "arch": "aarch64"},
            {"version": "8.5.1", "path": f"{HOME}/cann-8.5.1", "arch": "aarch64"},
        ],
        "ops": [
            {"version": "8.2.RC1", "path": f"{HOME}/ascend-toolkit/8.2.RC1", "kind": "kernels"},
            {"version": "8.5.1", "path": f"{HOME}/cann-8.5.1", "kind": "ops"},
        ],
        "nnal": [{"version": "8.5.1", "path": f"{HOME}/nnal/atb/8.5.1"}],
        "mindie": [{"version": "2.1.RC1", "build": "B152", "path": f"{HOME}/mindie/2.1.RC1"}],
        "atb_models": [{"version": "2.1.RC1", "path": f"{HOME}/atb-models-2.1.RC1"}],
    }


def test_folder_of_the_packages_themselves(root: Path) -> None:
    found = ascend_versions.read(str(root) + HOME)
    assert found["hdk"]["driver"] == "25.2.0"
    assert [one["path"] for one in found["cann"]] == ["/ascend-toolkit/8.2.RC1", "/cann-8.5.1"]


def _one(root: Path, part: str, files: dict[str, str]) -> Any:
    write(root, {f"{HOME}/{name}": text for name, text in files.items()})
    (found,) = ascend_versions.read(str(root))[part]
    return found


@pytest.mark.parametrize(
    ("files", "version"),
    [
        (
            {"toolkit/version.info": "Version=8.2.0.0.201\nversion_dir=8.2.RC1\n"},
            "8.2.RC1",
        ),
        (
            {"version.cfg": "# version: 1.0\nruntime_running_version=[7.6.T1.B0:8.0.0]\n"},
            "8.0.0",
        ),
        (
            {
                "toolkit/version.info": "Version=7.6.0.1.220\n",
                "version.cfg": "toolkit_running_version=[7.6.0.1.220:8.0.0]\n",
            },
            "8.0.0",
        ),
        # Its inner number alone is no version of CANN, and two that run are none either.
        ({"toolkit/version.info": "Version=7.6.0.1.220\n"}, None),
        ({"version.cfg": "runtime_running_version=[7.6:8.0.0],[7.7:8.1.0]\n"}, None),
    ],
)
def test_older_toolkits(tmp_path: Path, files: dict[str, str], version: str | None) -> None:
    latest = "ascend-toolkit/latest"
    found = _one(tmp_path, "cann", {f"{latest}/{name}": text for name, text in files.items()})
    assert found == {"version": version, "path": f"{HOME}/{latest}", "arch": None}


def test_latest_of_links_names_what_lies_beside_it(tmp_path: Path) -> None:
    """Up to 8.3 it is a folder in which each part is a link."""
    part = f"{HOME}/ascend-toolkit/8.2.RC1/toolkit/version.info"
    write(tmp_path, {part: "version_dir=8.2.RC1\n"})
    latest = tmp_path / HOME[1:] / "ascend-toolkit/latest"
    latest.mkdir()
    (latest / "toolkit").symlink_to(f"{HOME}/ascend-toolkit/8.2.RC1/toolkit")
    (found,) = ascend_versions.read(str(tmp_path))["cann"]
    assert found["path"] == f"{HOME}/ascend-toolkit/8.2.RC1"


@pytest.mark.parametrize(
    ("files", "version", "kind"),
    [
        ({"opp_kernel/version.info": "Version=8.2.0.0.201\nversion_dir=8.2.RC1\n"}, "8.2.RC1", 0),
        (
            {
                "opp_kernel/version.info": "Version=7.6.0.1.220\n",
                "version.cfg": "opp_kernel_running_version=[7.6.0.1.220:8.0.0]\n",
            },
            "8.0.0",
            0,
        ),
        ({"share/info/ops_310p/version.info": "version_dir=8.5.1\n"}, "8.5.1", 1),
        ({"share/info/ops_math/version.info": "Version=8.5.0\n"}, "8.5.0", 1),
        ({"aarch64-linux/ascend_ops_install.info": _said("9.0.0", "910b-ops")}, "9.0.0", 1),
    ],
)
def test_operators(tmp_path: Path, files: dict[str, str], version: str, kind: int) -> None:
    found = _one(tmp_path, "ops", {f"cann-9/{name}": text for name, text in files.items()})
    assert found == {
        "version": version,
        "path": f"{HOME}/cann-9",
        "kind": ("kernels", "ops")[kind],
    }


def test_packages_that_lie_elsewhere(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "/etc/ascend_install.info": "Driver_Install_Path_Param=/opt/hdk\n"
            "Driver_Install_For_All=no\n",
            "/opt/hdk/driver/version.info": DRIVER,
            "/etc/Ascend/ascend_cann_install.info": "Toolkit_InstallPath=/data/Ascend/cann-9\n",
            "/data/Ascend/cann-9/x86_64-linux/ascend_toolkit_install.info": "version=9.0.0\n",
        },
    )
    found = ascend_versions.read(str(tmp_path))
    assert (found["hdk"]["driver"], found["hdk"]["for_all"]) == ("25.2.0", False)
    assert found["hdk"]["firmware"] is None
    assert found["cann"] == [
        {"version": "9.0.0", "path": "/data/Ascend/cann-9", "arch": "x86_64"},
    ]


def test_damaged_files_are_unknown_versions(root: Path) -> None:
    """What is installed does not vanish with its version."""
    for path in (root / HOME[1:]).rglob("*.info"):
        path.write_bytes(b"\xff\xfe[,]=\n:")
    found = ascend_versions.read(str(root))
    assert (found["hdk"]["driver"], found["hdk"]["compatible_driver"]) == (None, [])
    for part in ("cann", "ops", "nnal", "mindie", "atb_models"):
        assert {one["version"] for one in found[part]} == {None}, part


def test_nothing_installed(tmp_path: Path) -> None:
    found = ascend_versions.read(str(tmp_path))
    assert found["hdk"]["module"] is False
    assert {key: value for key, value in found.items() if key != "hdk"} == {
        "cann": [], "ops": [], "nnal": [], "mindie": [], "atb_models": [],
    }  # fmt: skip


def test_links_stay_below_the_root(tmp_path: Path) -> None:
    write(tmp_path / "root", {"/a/b": "in"})
    write(tmp_path, {"/a/b": "out", "/secret": "out"})
    links = {
        "absolute": "/a/b", "up": "../../../a/b", "again": "absolute", "out": str(tmp_path / "a"),
        "circle": "circle", "parent": "a/../absolute", "gone": "/nowhere",
    }  # fmt: skip
    for name, target in links.items():
        (tmp_path / "root" / name).symlink_to(target)
    files = Files(f"{tmp_path}/root")
    told = {name: files.text(f"/{name}") for name in links}
    assert told == {
        "absolute": "in", "up": "in", "again": "in", "out": None,
        "circle": None, "parent": "in", "gone": None,
    }  # fmt: skip
    assert files.real("/again") == "/a/b"
    assert files.real("/gone") == "/nowhere"
