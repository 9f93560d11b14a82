"""The stand-in of NVIDIA's library and of nvidia-smi, by what pynvml makes of it."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.standins.nvidia import build
from tests.standins.nvidia.asked import ASK

# It has no types.
pynvml: Any = importlib.import_module("pynvml")
OLD, NEW = "580.65.06", "580.95.05"
SMI = build.FILES / "programs/nvidia-smi"

ANSWER = """
import json
import pynvml as n

def err(call, *words):
    try:
        return call(*words)
    except n.NVMLError as error:
        return error.value

n.nvmlInit()
h = n.nvmlDeviceGetHandleByIndex(0)
f = n.c_nvmlGpuFabricInfo_v2_t()
"""
FACTS: dict[str, object] = {
    "driver": NEW, "cuda": 13000, "count": 2,
    "0.uuid": "GPU-a", "0.name": "NVIDIA H200", "0.slot": "0000:C1:00.0", "0.pci": "0x233510de",
    "0.total_mib": 1000, "0.reserved_mib": 100, "0.used_mib": 50,
    "0.ecc": 1, "0.ecc_pending": 0, "0.ecc_uncorrected": 3,
    "0.rows_correctable": 1, "0.rows_uncorrectable": 0, "0.rows_pending": 1, "0.rows_failure": 0,
    "0.processes": "12:7,13:-", "0.nvlinks": "1,0", "0.recovery": 2, "0.throttle": "0x40",
    "0.mig": 1, "0.mig_pending": 1, "0.mig_max": 7, "0.mig0_uuid": "MIG-a",
    "0.mig0_name": "1g.18gb", "0.mig0_total_mib": 125, "0.compute_mode": "!999",
    "0.fabric": 2, "0.fabric_status": 1, "0.fabric_health": 1,
    "1.uuid": "GPU-b", "1.name": "NVIDIA H200",
}  # fmt: skip


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """The library at one version and the facts that it answers from."""
    library = tmp_path / f"libnvidia-ml.so.{NEW}"
    library.write_bytes(build.library())
    (tmp_path / build.SONAME).symlink_to(library.name)
    state = tmp_path / "state"
    _write(state, FACTS)
    return {
        "PATH": os.defpath,
        "LD_LIBRARY_PATH": str(tmp_path),
        "STANDIN_NVIDIA_STATE": str(state),
        "PYTHONPATH": str(Path(pynvml.__file__).parent),
    }


def _write(state: Path, facts: Mapping[str, object]) -> None:
    state.write_text("".join(f"{key}={value}\n" for key, value in facts.items()))


def _answers(surroundings: Mapping[str, str], asked: str) -> Any:
    return json.loads(_python(surroundings, ANSWER + f"print(json.dumps({asked}))"))


def _python(surroundings: Mapping[str, str], script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.check_output(command, env=dict(surroundings), text=True)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("n.nvmlSystemGetDriverVersion()", NEW),
        ("n.nvmlSystemGetCudaDriverVersion_v2()", 13000),
        ("n.nvmlDeviceGetUUID(h)", "GPU-a"),
        ("n.nvmlDeviceGetPciInfo(h).busId", "00000000:C1:00.0"),
        ("n.nvmlDeviceGetPciInfo(h).pciDeviceId", 0x233510DE),
        ("n.nvmlDeviceGetMemoryInfo(h).used >> 20", 150),
        ("n.nvmlDeviceGetMemoryInfo(h, n.nvmlMemory_v2).used >> 20", 50),
        ("n.nvmlDeviceGetEccMode(h)", [1, 0]),
        ("n.nvmlDeviceGetTotalEccErrors(h, 1, 0)", 3),
        ("n.nvmlDeviceGetRemappedRows(h)", [1, 0, 1, 0]),
        ("[p.usedGpuMemory for p in n.nvmlDeviceGetComputeRunningProcesses(h)]", [7 << 20, None]),
        ("n.nvmlDeviceGetGraphicsRunningProcesses(h)", []),
        ("[n.nvmlDeviceGetNvLinkState(h, i) for i in (0, 1)]", [1, 0]),
        ("err(n.nvmlDeviceGetNvLinkState, h, 2)", pynvml.NVML_ERROR_INVALID_ARGUMENT),
        ("n.nvmlDeviceGetFieldValues(h, [230])[0].value.uiVal", 2),
        ("n.nvmlDeviceGetFieldValues(h, [1])[0].nvmlReturn", pynvml.NVML_ERROR_NOT_SUPPORTED),
        ("n.nvmlDeviceGetCurrentClocksEventReasons(h)", 0x40),
        (
            "[n.nvmlDeviceGetGpuFabricInfoV(h, n.byref(f)), f.state, f.status, f.healthMask]",
            [0, 2, 1, 1],
        ),
        ("n.nvmlDeviceGetName(n.nvmlDeviceGetMigDeviceHandleByIndex(h, 0))", "1g.18gb"),
        ("err(n.nvmlDeviceGetMigDeviceHandleByIndex, h, 1)", pynvml.NVML_ERROR_NOT_FOUND),
        ("err(n.nvmlDeviceGetRetiredPagesPendingStatus, h)", pynvml.NVML_ERROR_NOT_SUPPORTED),
        ("err(n.nvmlDeviceGetComputeMode, h)", pynvml.NVML_ERROR_UNKNOWN),
        ("err(n.nvmlDeviceGetFanSpeed, h)", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND),
        ("err(n.nvmlDeviceGetHandleByIndex, 2)", pynvml.NVML_ERROR_INVALID_ARGUMENT),
    ],
)
def test_the_library_answers(surroundings: dict[str, str], asked: str, answer: object) -> None:
    assert _answers(surroundings, asked) == answer


def _smi(surroundings: Mapping[str, str], *words: str) -> tuple[int, str]:
    command = [sys.executable, str(SMI), *words]
    done = subprocess.run(command, env=dict(surroundings), text=True, capture_output=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"driver": OLD}, 18, "Failed to initialize NVML: Driver/library version mismatch\n"
                              "NVML library version: 580.95\n"),
        ({"1.error": 15}, 15, "GPU1: GPU is lost: GPU is lost.  Reboot the system"),
        ({"count": 0}, 6, "No devices were found"),
    ],
)  # fmt: skip
def test_trouble(
    surroundings: dict[str, str], changed: dict[str, object], code: int, said: str
) -> None:
    _write(Path(surroundings["STANDIN_NVIDIA_STATE"]), FACTS | changed)
    status, text = _smi(surroundings, "-L")
    assert (status, said in text) == (code, True)
    if code != 6:
        assert json.loads(_python(surroundings, ASK)) == code


def test_without_a_driver(surroundings: dict[str, str]) -> None:
    Path(surroundings["STANDIN_NVIDIA_STATE"]).unlink()
    assert json.loads(_python(surroundings, ASK)) == pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    status, text = _smi(surroundings)
    assert status == 9
    assert text.startswith("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA ")


def test_queries(surroundings: dict[str, str]) -> None:
    form = "--format=csv,noheader"
    assert _smi(surroundings, "--query-gpu=driver_version", form) == (0, f"{NEW}\n{NEW}\n")
    status, text = _smi(surroundings, "--query-gpu=driver_verison", form)
    assert (status, text) == (2, 'Field "driver_verison" is not a valid field to query.\n')
