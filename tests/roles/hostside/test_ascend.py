"""What is known of Ascend: by its tools where they answer, by its files where they do not."""

from pathlib import Path
from typing import Any

import ascend
import ascend_files
import ascend_versions
import pytest

SAMPLES = Path(__file__).parent / "samples/ascend"
HOME = "usr/local/Ascend"
DRIVER = "Version=25.2.0\ncompatible_version_fw=[6.4.0,6.4.99],[7.0.0,7.7.99]\n"
FIRMWARE = "Version=7.7.0.6.236\ncompatible_version_drv=[24.1,24.1.],[25.2,25.2.]\n"
INFO = "UserName=HwHiAiUser\nUserGroup=HwHiAiUser\nDriver_Install_For_All=yes\n"


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _toolkit(root: Path, folder: str, version: str) -> None:
    said = f"package_name=Ascend-cann-toolkit\nversion={version}\narch=aarch64\n"
    _write(root / HOME / folder, {"aarch64-linux/ascend_toolkit_install.info": said})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with an HDK and two CANN, of both layouts, and all that goes on top."""
    _write(
        tmp_path,
        {
            f"{HOME}/driver/version.info": DRIVER,
            f"{HOME}/firmware/version.info": FIRMWARE,
            "etc/ascend_install.info": INFO,
            "sys/module/drv_pcie_host/refcnt": "0",
        },
    )
    _toolkit(tmp_path, "ascend-toolkit/8.2.RC1", "8.2.RC1")
    _toolkit(tmp_path, "cann-8.5.1", "8.5.1")
    home = tmp_path / HOME
    (home / "cann").symlink_to("cann-8.5.1")
    (home / "ascend-toolkit/latest").symlink_to("../cann-8.5.1")
    _write(
        home,
        {
            "ascend-toolkit/8.2.RC1/opp_kernel/version.info": "version_dir=8.2.RC1\n",
            "cann-8.5.1/share/info/ops_310p/version.info": "Version=8.5.1\n",
            "nnal/atb/8.5.1/version.info": "    Ascend-cann-atb : 8.5.1\n",
            "mindie/2.1.RC1/version.info": "Ascend-mindie : MindIE 2.1.RC1.B152\nmindie-sd:2.1\n",
            "atb-models-2.1.RC1/version.info": "ATB-Models Version : 2.1.RC1.B9\n",
        },
    )
    (home / "nnal/atb/latest").symlink_to("8.5.1")
    (home / "mindie/latest").symlink_to("2.1.RC1")
    (home / "atb-models").symlink_to("atb-models-2.1.RC1")
    return tmp_path


def test_versions(root: Path) -> None:
    """Each once, whatever links name it too."""
    home = str(root / HOME)
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
            {"version": "8.2.RC1", "path": f"{home}/ascend-toolkit/8.2.RC1", "arch": "aarch64"},
            {"version": "8.5.1", "path": f"{home}/cann-8.5.1", "arch": "aarch64"},
        ],
        "ops": [
            {
                "version": "8.2.RC1",
                "path": f"{home}/ascend-toolkit/8.2.RC1/opp_kernel",
                "kind": "kernels",
            },
            {"version": "8.5.1", "path": f"{home}/cann-8.5.1/share/info/ops_310p", "kind": "ops"},
        ],
        "nnal": [{"version": "8.5.1", "path": f"{home}/nnal/atb/8.5.1"}],
        "mindie": [{"version": "2.1.RC1", "build": "B152", "path": f"{home}/mindie/2.1.RC1"}],
        "atb_models": [{"version": "2.1.RC1", "path": f"{home}/atb-models-2.1.RC1"}],
    }


def test_folder_of_the_packages_themselves(root: Path) -> None:
    found = ascend_versions.read(str(root / HOME))
    assert found["hdk"]["driver"] == "25.2.0"
    assert [one["version"] for one in found["cann"]] == ["8.2.RC1", "8.5.1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("toolkit/version.info", "Version=8.2.0.0.201\nversion_dir=8.2.RC1\n"),
        ("version.cfg", "# version: 1.0\ntoolkit_running_version=[7.6.T1.B0:8.2.RC1]\n"),
    ],
)
def test_older_toolkits(tmp_path: Path, name: str, text: str) -> None:
    _write(tmp_path / HOME / "ascend-toolkit/latest", {name: text})
    (found,) = ascend_versions.read(str(tmp_path))["cann"]
    assert (found["version"], found["arch"]) == ("8.2.RC1", None)


def test_damaged_files_are_no_versions(root: Path) -> None:
    for path in (root / HOME).rglob("*.info"):
        path.write_bytes(b"\xff\xfe[,]=\n:")
    found = ascend_versions.read(str(root))
    assert (found["hdk"]["driver"], found["hdk"]["compatible_driver"]) == (None, [])
    assert [found[part] for part in ("cann", "nnal", "mindie", "atb_models")] == [[], [], [], []]


def test_no_trace(tmp_path: Path) -> None:
    assert ascend.read(str(tmp_path)) is None


def test_by_files_alone(root: Path) -> None:
    """With another folder in the place of / no tool is asked."""
    found = ascend.read(str(root))
    assert found is not None
    assert (found["error"]["name"], found["devices"]) == ("no-npu-smi", [])
    assert found["hdk"]["driver"] == "25.2.0"


def test_nodes_of_a_driver_are_a_trace(tmp_path: Path) -> None:
    _write(tmp_path, {"dev/davinci0": ""})
    assert ascend_versions.traces(str(tmp_path))


def _tool(folder: Path, answers: dict[str, str]) -> None:
    cases = "".join(f"'{words}') cat {SAMPLES}/{name}.txt ;;\n" for words, name in answers.items())
    script = f"#!/bin/sh\ncase \"$*\" in\n{cases}*) echo 'Error parameter of -t'; exit 1 ;;\nesac\n"
    path = folder / "npu-smi"
    path.write_text(script)
    path.chmod(0o755)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask a tool that answers from samples."""

    def ask(answers: dict[str, str]) -> dict[str, Any]:
        _tool(tmp_path, answers)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        found = ascend.read()
        assert found is not None
        return found

    return ask


def test_a2_by_its_tool(asked: Any) -> None:
    """Logic ids come from the map, codes of a chip that is not well from its health."""
    found = asked(
        {"info": "a2_busy", "info -m": "map", "info -t health -i 6 -c 0": "health"},
    )
    first, second = found["devices"]
    assert (found["npu_smi"], found["hdk"]["loaded"], found["error"]) == ("25.5.1", "25.5.1", None)
    assert [first["logic"], second["logic"]] == [0, 1]
    assert first["health_detail"] is None
    assert second["health_detail"]["codes"] == ["80E01801", "8C03A000"]
    assert [process["unit"] for process in first["processes"]] == [None, None]
    assert (first["roce"], second["roce"]) == (None, None)


def test_driver_that_is_not_loaded(asked: Any) -> None:
    found = asked({"info": "not_loaded"})
    assert found["error"]["code"] == -8005
    assert (found["devices"], found["hdk"]["loaded"]) == ([], None)


def test_driver_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Any) -> None:
    monkeypatch.setattr(ascend, "_WITHIN_S", 0.3)
    _tool(tmp_path, {})
    (tmp_path / "npu-smi").write_text("#!/bin/sh\nexec sleep 2\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = ascend.read()
    assert found is not None
    assert (found["error"]["name"], found["devices"]) == ("timeout", [])


def test_company(tmp_path: Path) -> None:
    _write(
        tmp_path, {"etc/passwd": "root:x:0:0::/root:/bin/sh\nHwHiAiUser:x:1000:1000::/:/bin/sh\n"}
    )
    found = ascend_files.read(str(tmp_path))
    assert found["user"] is True
    assert {"apt-get"} <= set(found["tools"])
    assert ascend_files.read(str(tmp_path / "none"))["user"] is False
