"""What is known of Ascend: by its tool where that answers, by its files where it does not."""

from pathlib import Path

import ascend
import ascend_files
import ascend_versions
import npu_smi
import pytest

from tests.roles.hostside.test_ascend_versions import DRIVER, HOME, write
from tests.roles.hostside.test_npu_smi import SAMPLES


def test_no_trace(tmp_path: Path) -> None:
    assert ascend.read(str(tmp_path)) is None


@pytest.mark.parametrize("trace", ["/dev/davinci0", "/dev/davinci_manager", f"{HOME}/any"])
def test_trace(tmp_path: Path, trace: str) -> None:
    write(tmp_path, {trace: ""})
    found = ascend.read(str(tmp_path))
    assert found is not None
    assert found["hdk"]["driver"] is None


def test_by_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another folder in the place of / no tool is asked, and nothing is said to be well."""
    monkeypatch.setattr(npu_smi, "read", None)
    write(tmp_path, {f"{HOME}/driver/version.info": DRIVER})
    found = ascend.read(str(tmp_path))
    assert found is not None
    assert (found["error"]["name"], found["devices"], found["npu_smi"]) == ("not-asked", [], None)
    assert found["hdk"]["driver"] == "25.2.0"
    versions = ascend_versions.read(str(tmp_path))
    assert {key: found[key] for key in versions} == versions
    assert sorted(set(found) - set(versions)) == ["devices", "error", "npu_smi", "unknown"]


def test_loaded_driver_is_the_one_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (SAMPLES / "a1.txt").read_text().replace("Version: 24.1.0", "Version: 23.0.7")
    (tmp_path / "told").write_text(told)
    tool = tmp_path / "npu-smi"
    tool.write_text(f"#!/bin/sh\ncat {tmp_path}/told\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = ascend.read()
    assert found is not None
    assert (found["npu_smi"], found["hdk"]["loaded"]) == ("24.1.0", "23.0.7")
    assert [device["npu"] for device in found["devices"]] == [4]


def test_company(tmp_path: Path) -> None:
    users = "root:x:0:0::/root:/bin/sh\nHwHiAiUser:x:1000:1000::/:/bin/sh\n"
    write(tmp_path, {"/etc/passwd": users})
    found = ascend_files.read(str(tmp_path))
    assert found["user"] is True
    assert {"apt-get"} <= set(found["tools"])
    assert ascend_files.read(str(tmp_path / "none"))["user"] is False
