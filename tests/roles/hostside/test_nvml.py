"""NVML is asked every question, and no answer costs another; with a table in its place."""

import ast
import ctypes
import importlib
import importlib.util
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fabric_manager
import kernel_log
import nvml
import nvml_library
import pci
import processes
import pytest

from tests.roles.hostside.binding import Binding, Fabric, NVMLError, field, gpu, memory, process

_DEVICE = {
    "index", "minor", "uuid", "serial", "name", "slot", "numa", "capability", "total_mib",
    "free_mib", "used_mib", "reserved_mib", "processes", "ecc", "remapped_rows", "retired_pages",
    "nvlink", "mig", "persistence", "compute_mode", "throttle", "recovery", "temperature_c",
    "power_w", "error", "unsupported", "unknown",
}  # fmt: skip


def _told(binding: Binding) -> dict[str, Any]:
    found = nvml.told(binding)
    assert found is not None
    json.dumps(found)
    assert all(set(device) == _DEVICE for device in found["devices"])
    assert binding.calls[-1] in ("nvmlShutdown", "nvmlSystemGetNVMLVersion")
    return found


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _one(**answers: Any) -> dict[str, Any]:
    (device,) = _told(Binding(gpu(**answers)))["devices"]
    assert isinstance(device, dict)
    return device


def test_healthy_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pci, "numa", lambda slot: 1 if slot == "0000:4e:00.0" else None)
    found = _told(Binding(gpu()))
    assert (found["driver"], found["cuda"], found["error"]) == ("580.95.05", "13.0", None)
    assert found["devices"] == [
        {
            "index": 0,
            "minor": 0,
            "uuid": "GPU-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "serial": "1652399900017",
            "name": "NVIDIA H100 80GB HBM3",
            "slot": "0000:4e:00.0",
            "numa": 1,
            "capability": "9.0",
            "total_mib": 81559,
            "free_mib": 81079,
            "used_mib": 1,
            "reserved_mib": 479,
            "processes": [],
            "ecc": {
                "enabled": True,
                "pending": True,
                "uncorrected": 10,
                "uncorrected_lifetime": 11,
                "corrected_lifetime": 1,
            },
            "remapped_rows": {
                "correctable": 3, "uncorrectable": 1, "pending": False, "failure": False,
            },
            "retired_pages": None,
            "nvlink": [
                {"link": 0, "active": True},
                {"link": 1, "active": True},
                {"link": 2, "active": False},
                {"link": 3, "active": True},
            ],
            "mig": {"enabled": False, "pending": True, "devices": []},
            "persistence": True,
            "compute_mode": "default",
            "throttle": ["idle", "hw-thermal"],
            "recovery": "none",
            "temperature_c": 34,
            "power_w": 78,
            "error": None,
            "unsupported": [
                "nvmlDeviceGetRetiredPages",
                "nvmlDeviceGetRetiredPagesPendingStatus",
                "nvmlDeviceGetGpuFabricInfoV",
            ],
            "unknown": {},
        }
    ]  # fmt: skip


def test_card_that_has_next_to_nothing() -> None:
    """A GeForce without most questions: facts about the card, and none of them unknown."""
    device = _one(
        nvmlDeviceGetEccMode=NVMLError(3),
        nvmlDeviceGetRemappedRows=NVMLError(3),
        nvmlDeviceGetNvLinkState=NVMLError(3),
        nvmlDeviceGetMigMode=NVMLError(3),
        nvmlDeviceGetMPSComputeRunningProcesses=NVMLError(13),
    )
    for key in ("ecc", "remapped_rows", "nvlink", "mig", "retired_pages"):
        assert device[key] is None
    assert device["unknown"] == {}
    assert device["processes"] == []
    assert set(device["unsupported"]) == {
        "nvmlDeviceGetEccMode", "nvmlDeviceGetRemappedRows", "nvmlDeviceGetMigMode",
        "nvmlDeviceGetMPSComputeRunningProcesses", "nvmlDeviceGetRetiredPages",
        "nvmlDeviceGetRetiredPagesPendingStatus", "nvmlDeviceGetNvLinkState",
        "nvmlDeviceGetGpuFabricInfoV",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(gpu()) - {"handle"}))
@pytest.mark.parametrize("error", [NVMLError(999), NVMLError(77), TypeError("odd")], ids=str)
def test_any_question_may_fail_and_is_named(name: str, error: Exception) -> None:
    whole, device = _one(), _one(**{name: error})
    assert name in device["unknown"]
    assert device["unknown"][name] in ("error 999", "error 77", "TypeError: odd")
    assert device["error"] is None
    changed = {key for key in whole if whole[key] != device[key]} - {"unknown"}
    assert len(changed) <= 4  # one fact; memory is four
    assert all(device[key] is None for key in changed - {"ecc"})


@pytest.mark.parametrize("answer", ["odd", object(), (), 5.5, {}])
@pytest.mark.parametrize("name", sorted(gpu()))
def test_answers_without_sense_cost_one_fact(name: str, answer: object) -> None:
    given = answer if not callable(answer) else lambda *_: answer
    found = nvml.told(Binding(gpu(**{name: given})))
    assert found is not None
    (device,) = found["devices"]
    others = {"uuid", "name", "slot", "capability", "persistence"}
    assert len([key for key in others if device[key] is None]) <= 1


@pytest.mark.parametrize(("code", "name"), [(15, "gpu-is-lost"), (16, "reset-required")])
def test_device_that_does_not_answer_at_all(code: int, name: str) -> None:
    found = _told(Binding(gpu(handle=NVMLError(code)), gpu()))
    lost, there = found["devices"]
    assert lost["error"] == {"code": code, "name": name, "text": f"error {code}"}
    assert {key for key, value in lost.items() if value is not None} == {
        "index", "error", "unsupported", "unknown",
    }  # fmt: skip
    assert (there["index"], there["error"]) == (1, None)


def test_device_that_is_lost_halfway() -> None:
    device = _one(**{name: NVMLError(15) for name in gpu() if name != "nvmlDeviceGetUUID"})
    assert device["error"]["name"] == "gpu-is-lost"
    assert device["uuid"]
    assert (device["unknown"], device["total_mib"]) == ({}, None)


def test_old_driver_is_asked_in_its_own_words() -> None:
    def pages(cause: int) -> list[int]:
        return [4096] * (cause + 1)

    device = _one(
        nvmlDeviceGetMemoryInfo=lambda *v: NVMLError(13) if v else memory(16384, 15000, 1384),
        nvmlDeviceGetCurrentClocksEventReasons=NVMLError(13),
        nvmlDeviceGetCurrentClocksThrottleReasons=0x4,
        nvmlDeviceGetRetiredPages=pages,
        nvmlDeviceGetRetiredPagesPendingStatus=1,
        nvmlDeviceGetTemperatureV=NVMLError(25),
        nvmlDeviceGetTemperature=61,
        nvmlDeviceGetFieldValues=field(0, returned=2),
    )
    assert (device["total_mib"], device["used_mib"]) == (16384, 1384)
    assert device["reserved_mib"] is None
    assert device["throttle"] == ["power-cap"]
    assert device["retired_pages"] == {"single_bit": 1, "double_bit": 2, "pending": True}
    assert (device["temperature_c"], device["recovery"]) == (61, None)
    assert device["unknown"] == {}
    assert "NVML_FI_DEV_GET_GPU_RECOVERY_ACTION" in device["unsupported"]
    assert "nvmlDeviceGetMemoryInfo" not in device["unsupported"]


@pytest.mark.parametrize(
    ("value", "name"),
    [(1, "reset"), (2, "reboot"), (3, "drain-p2p"), (4, "drain-and-reset"), (8, "unknown-8")],
)
def test_recovery_by_its_value(value: int, name: str) -> None:
    assert _one(nvmlDeviceGetFieldValues=field(value))["recovery"] == name


def test_recovery_that_fails_is_unknown() -> None:
    device = _one(nvmlDeviceGetFieldValues=field(0, returned=999))
    assert device["recovery"] is None
    assert device["unknown"] == {"NVML_FI_DEV_GET_GPU_RECOVERY_ACTION": "error 999"}


def test_numbers_nobody_knows_are_named() -> None:
    device = _one(nvmlDeviceGetComputeMode=7, nvmlDeviceGetCurrentClocksEventReasons=0x1080)
    assert device["compute_mode"] == "unknown-7"
    assert device["throttle"] == ["power-brake", "unknown-0x1000"]
    assert _one(nvmlDeviceGetComputeMode=2)["compute_mode"] == "prohibited"
    assert _one(nvmlDeviceGetCurrentClocksEventReasons=0)["throttle"] == []


def test_processes_of_every_kind_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "unit_of", {42: "metalserve-vllm@chat.service"}.get)
    monkeypatch.setattr(processes, "name_of", {7: "Xorg"}.get)
    found = Binding(
        gpu(
            nvmlDeviceGetComputeRunningProcesses=[process(42, 70000), process(9, None)],
            nvmlDeviceGetGraphicsRunningProcesses=[process(7, 22), process(42, 70000)],
            nvmlDeviceGetMPSComputeRunningProcesses=[process(9, 3)],
        ),
        nvmlSystemGetProcessName=lambda pid: b"VLLM::EngineCore" if pid == 42 else NVMLError(6),
    )
    (device,) = _told(found)["devices"]
    unit = "metalserve-vllm@chat.service"
    assert device["processes"] == [
        {"pid": 7, "name": "Xorg", "mib": 22, "unit": None},
        {"pid": 9, "name": None, "mib": 3, "unit": None},
        {"pid": 42, "name": "VLLM::EngineCore", "mib": 70000, "unit": unit},
    ]
    assert device["unknown"] == {}


def test_processes_that_are_not_told_are_not_none() -> None:
    device = _one(nvmlDeviceGetComputeRunningProcesses=NVMLError(4))
    assert device["processes"] is None
    assert device["unknown"] == {"nvmlDeviceGetComputeRunningProcesses": "error 4"}


def test_mig() -> None:
    parts = {
        number: gpu(
            nvmlDeviceGetUUID=f"MIG-{number}",
            nvmlDeviceGetName="NVIDIA H100 80GB HBM3 MIG 1g.10gb",
            nvmlDeviceGetMemoryInfo=lambda *v: memory(9984, 9975, 9, 0),
        )
        for number in (1, 4)
    }
    device = _one(
        nvmlDeviceGetMigMode=[1, 1],
        nvmlDeviceGetMaxMigDeviceCount=7,
        nvmlDeviceGetMigDeviceHandleByIndex=lambda number: parts.get(number, NVMLError(6)),
    )
    name = "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert device["mig"] == {
        "enabled": True,
        "pending": True,
        "devices": [
            {"uuid": "MIG-1", "name": name, "total_mib": 9984},
            {"uuid": "MIG-4", "name": name, "total_mib": 9984},
        ],
    }
    assert device["unknown"] == {}


@pytest.mark.parametrize(
    ("state", "status", "mask", "said"),
    [
        (0, 0, 0, None),
        (3, 0, 0b10101010, None),
        (1, 0, 0, "fabric: not-started"),
        (2, 0, 0, "fabric: in-progress"),
        (3, 999, 0, "fabric: error 999"),
        (3, 0, 0b00010001, "fabric: degraded-bandwidth, route-unhealthy"),
        (7, 0, 0, "fabric: unknown-7"),
    ],
)
def test_fabric(state: int, status: int, mask: int, said: str | None) -> None:
    def answer(given: Any) -> int:
        found: Fabric = given._obj
        found.state, found.status, found.healthMask = state, status, mask
        return 0

    unknown = _one(nvmlDeviceGetGpuFabricInfoV=answer)["unknown"]
    assert unknown == ({"nvmlDeviceGetGpuFabricInfoV": said} if said else {})


@pytest.mark.parametrize(
    ("code", "name"),
    [(9, "driver-not-loaded"), (18, "lib-rm-version-mismatch"), (77, "unknown-77")],
)
def test_nvml_that_does_not_start(code: int, name: str) -> None:
    binding = Binding(gpu(), nvmlInit=NVMLError(code))
    assert _told(binding) == {
        "driver": None,
        "cuda": None,
        "error": {"code": code, "name": name, "text": f"error {code} (library 13.580.95.05)"},
        "devices": [],
    }
    assert "nvmlShutdown" not in binding.calls


def test_count_that_fails_is_the_error() -> None:
    found = _told(Binding(nvmlDeviceGetCount=NVMLError(999)))
    assert found["error"]["name"] == "unknown"
    assert (found["driver"], found["devices"]) == ("580.95.05", [])


def test_no_gpu_is_no_error() -> None:
    found = _told(Binding())
    assert (found["error"], found["devices"]) == (None, [])


def test_versions_that_fail_cost_no_device() -> None:
    error = NVMLError(999)
    found = _told(
        Binding(
            gpu(), nvmlSystemGetDriverVersion=error, nvmlSystemGetCudaDriverVersion_v2=error,
            nvmlShutdown=error,
        )
    )  # fmt: skip
    assert (found["driver"], found["cuda"]) == (None, None)
    assert found["devices"][0]["name"]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A host with the library, a binding, an XID and no NVSwitch."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pynvml", Binding(gpu()))
    monkeypatch.setattr(pci, "read", list)
    monkeypatch.setattr(kernel_log, "read", lambda: [{"xid": 79}])
    monkeypatch.setattr(fabric_manager, "read", lambda cards: None)
    return monkeypatch


def test_whole_part(host: pytest.MonkeyPatch) -> None:
    found = nvml.read()
    assert found is not None
    assert sorted(found) == ["cuda", "devices", "driver", "error", "fabric_manager", "xids"]
    assert (found["driver"], found["xids"], len(found["devices"])) == (
        "580.95.05",
        [{"xid": 79}],
        1,
    )


def test_host_without_the_library(host: pytest.MonkeyPatch) -> None:
    host.undo()
    host.setattr(nvml_library, "NAME", "libnvidia-not-there.so.1")
    assert nvml.read() is None


def test_real_binding_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    real = importlib.import_module("pynvml")
    monkeypatch.setattr(real, "nvmlLib", None)
    monkeypatch.setattr(real, "CDLL", missing)
    assert nvml.told(real) is None


def test_library_that_is_no_library(tmp_path: Path, host: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise OSError(f"/usr/lib/{name}: file too short")

    host.setattr(ctypes, "CDLL", broken)
    found = nvml.read()
    assert found is not None
    assert found["error"] == {
        "code": None,
        "name": "library-broken",
        "text": "/usr/lib/libnvidia-ml.so.1: file too short",
    }


def test_library_without_a_binding(host: pytest.MonkeyPatch) -> None:
    host.setitem(sys.modules, "pynvml", None)
    found = nvml.read()
    assert found is not None
    assert (found["error"]["code"], found["error"]["name"]) == (None, "no-binding")
    assert found["error"]["text"].startswith("libnvidia-ml.so.1 is here, but no module pynvml")
    assert (found["devices"], found["xids"]) == ([], [{"xid": 79}])


def test_driver_that_hangs_is_an_error_and_no_hang(host: pytest.MonkeyPatch) -> None:
    host.setitem(sys.modules, "pynvml", Binding(nvmlInit=lambda: time.sleep(600)))
    host.setattr(nvml, "_WITHIN_S", 0.5)
    began = time.monotonic()
    found = nvml.read()
    assert time.monotonic() - began < 300
    assert found is not None
    assert (found["error"]["code"], found["error"]["name"]) == (None, "timeout")
    assert found["xids"] == [{"xid": 79}]


def test_library_that_crashes_is_an_error(host: pytest.MonkeyPatch) -> None:
    host.setitem(sys.modules, "pynvml", Binding(nvmlInit=_die))
    found = nvml.read()
    assert found is not None
    assert found["error"] == {"code": None, "name": "died", "text": "NVML: died of SIGKILL"}


def test_real_binding_has_what_is_asked_for() -> None:
    """Names and numbers that we spell are those of the binding that we carry."""
    real = importlib.import_module("pynvml")
    for name in [*gpu(), *Binding().system, "nvmlDeviceGetGpuFabricInfoV"]:
        assert callable(getattr(real, name)), name
    assert real.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION == 230
    assert real.nvmlMemory_v2 == 0x02000028
    assert real.NVML_NVLINK_MAX_LINKS == 36
    assert real.NVML_GPU_RECOVERY_ACTION_DRAIN_AND_RESET == 4
    assert real.nvmlClocksEventReasonHwPowerBrakeSlowdown == 0x80
    assert real.nvmlClocksThrottleReasonReliability == 0x400
    assert {name for name, _ in Fabric._fields_} <= {
        field[0] for field in real.c_nvmlGpuFabricInfo_v2_t._fields_
    }


def test_real_binding_names_our_errors() -> None:
    real = importlib.import_module("pynvml")
    binding = Binding(nvmlInit=real.NVMLError(18))
    found = _told(binding)
    assert found["error"]["code"] == 18
    assert found["error"]["name"] == "lib-rm-version-mismatch"


def test_real_binding_parses_on_hosts() -> None:
    """What is carried to hosts is read by Python 3.8."""
    spec = importlib.util.find_spec("pynvml")
    assert spec is not None
    assert spec.origin is not None
    ast.parse(Path(spec.origin).read_text(), feature_version=(3, 8))
