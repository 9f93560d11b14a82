"""The accelerators that other tests make have the shape of those that the probe tells of."""

from pathlib import Path
from typing import Any

import ascend
import npu_smi
import nvidia_smi
import nvml
import pci
import pytest

from tests.roles import devices
from tests.roles.hostside import binding
from tests.roles.hostside.test_probe_command_line import INFO, NVIDIA


def _assert_alike(made: Any, told: Any, path: str) -> None:
    """What one of them leaves out may be ``None`` or empty in the other."""
    if isinstance(made, dict) and isinstance(told, dict):
        assert sorted(made) == sorted(told), path
        for key in made:
            _assert_alike(made[key], told[key], f"{path}/{key}")
    elif isinstance(made, list) and isinstance(told, list):
        for one, other in zip(made, told, strict=False):
            _assert_alike(one, other, f"{path}/…")
    elif made is not None and told is not None:
        assert (type(made), path) == (type(told), path)


def test_pci(tmp_path: Path) -> None:
    folder = tmp_path / "0000:06:00.0"
    folder.mkdir()
    files = {
        "vendor": "0x10de", "device": "0x2335", "subsystem_vendor": "0x10de",
        "subsystem_device": "0x18be", "class": "0x030200", "numa_node": "0",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text + "\n")
    (folder / "driver").symlink_to("../../bus/pci/drivers/nvidia")
    assert pci.read(str(tmp_path)) == [devices.card()]


def test_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pci, "read", list)
    monkeypatch.setattr(nvml, "_asked", lambda: nvml.told(binding.Binding(binding.gpu())))
    told = nvml.read()
    assert told is not None
    _assert_alike(devices.cuda(devices.gpu()), told, "cuda")
    assert told["devices"][0]["mig"].keys() == devices.gpu()["mig"].keys()


def test_nvidia_smi() -> None:
    (told,) = nvidia_smi.parse(NVIDIA)["devices"]
    _assert_alike(devices.gpu() | {"ecc": None, "remapped_rows": None}, told, "cuda/devices")


def test_npu_smi() -> None:
    (told,) = npu_smi.parse_info(INFO)["devices"]
    _assert_alike(devices.npu(), told, "ascend/devices")


def test_ascend(tmp_path: Path) -> None:
    driver = tmp_path / "usr/local/Ascend/driver/version.info"
    driver.parent.mkdir(parents=True)
    driver.write_text("Version=25.5.1\ncompatible_version_fw=[7.0.0,7.8.99]\n")
    told = ascend.read(str(tmp_path))
    assert told is not None
    assert told["hdk"]["compatible_firmware"] == [["7.0.0", "7.8.99"]]
    _assert_alike(devices.ascend(), told, "ascend")


def test_fields_that_the_probe_has_not() -> None:
    with pytest.raises(AssertionError, match="the probe tells nothing of wattage"):
        devices.gpu(wattage=700)
