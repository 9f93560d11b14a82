"""A stand-in of the module ``pynvml``: it answers from a table, and errors are NVML's numbers."""

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

MIB = 1024 * 1024


class NVMLError(Exception):
    """What ``pynvml`` raises."""

    def __init__(self, value: int) -> None:
        """Carry a number of NVML."""
        super().__init__(f"error {value}")
        self.value = value


class Fabric(ctypes.Structure):
    """The part of NVML's structure that is read."""

    _fields_ = (
        ("status", ctypes.c_uint), ("state", ctypes.c_uint), ("healthMask", ctypes.c_uint),
    )  # fmt: skip


def memory(total: int, free: int, used: int, reserved: int | None = None) -> SimpleNamespace:
    """Return sizes in MiB as NVML does in bytes; only its second form has ``reserved``."""
    found = SimpleNamespace(total=total * MIB, free=free * MIB, used=used * MIB)
    if reserved is not None:
        found.reserved = reserved * MIB
    return found


def process(pid: int, mib: int | None) -> SimpleNamespace:
    """Return a process that holds memory."""
    return SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib * MIB)


def field(value: int, returned: int = 0) -> list[SimpleNamespace]:
    """Return one field value with its own error number."""
    return [SimpleNamespace(nvmlReturn=returned, value=SimpleNamespace(uiVal=value))]


class Binding:
    """
    Answers by function: a value, an error, or a function of what is given beyond the handle.

    A function that is not in the table is one that the driver does not have (13).
    """

    NVMLError = NVMLError
    c_nvmlGpuFabricInfo_v2_t = Fabric  # noqa: N815
    NVML_ERROR_DRIVER_NOT_LOADED = 9
    NVML_ERROR_LIBRARY_NOT_FOUND = 12
    NVML_ERROR_GPU_IS_LOST = 15
    NVML_ERROR_RESET_REQUIRED = 16
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18
    NVML_ERROR_UNKNOWN = 999

    def __init__(self, *gpus: dict[str, Any], **system: Any) -> None:
        """Have GPUs, and answers that are not of one of them."""
        self.gpus = gpus
        self.system = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlSystemGetDriverVersion": "580.95.05",
            "nvmlSystemGetNVMLVersion": "13.580.95.05",
            "nvmlSystemGetCudaDriverVersion_v2": 13000,
            "nvmlDeviceGetCount": len(gpus),
            "nvmlDeviceGetHandleByIndex": lambda index: self._handle(index),
            "nvmlSystemGetProcessName": NVMLError(6),
        } | system
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("nvml"):
            raise AttributeError(name)

        def function(*given: Any) -> Any:
            self.calls.append(name)
            table: dict[str, Any] = self.system
            if name not in table:
                table, *given = given  # type: ignore[assignment]
            answer = table.get(name, NVMLError(13))
            answer = answer(*given) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return function

    def _handle(self, index: int) -> Any:
        return self.gpus[index].get("handle", self.gpus[index])


def gpu(**answers: Any) -> dict[str, Any]:
    """Return a Hopper that nobody uses, but for some answers."""
    return {
        "nvmlDeviceGetMinorNumber": 0,
        "nvmlDeviceGetUUID": "GPU-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "nvmlDeviceGetSerial": "1652399900017",
        "nvmlDeviceGetName": b"NVIDIA H100 80GB HBM3",
        "nvmlDeviceGetPciInfo": SimpleNamespace(busId=b"00000000:4E:00.0"),
        "nvmlDeviceGetCudaComputeCapability": (9, 0),
        "nvmlDeviceGetMemoryInfo": lambda *v: memory(81559, 81079, 1, 479),
        "nvmlDeviceGetComputeRunningProcesses": [],
        "nvmlDeviceGetGraphicsRunningProcesses": [],
        "nvmlDeviceGetMPSComputeRunningProcesses": [],
        "nvmlDeviceGetEccMode": [1, 1],
        "nvmlDeviceGetTotalEccErrors": lambda kind, since: 10 * kind + since,
        "nvmlDeviceGetRemappedRows": (3, 1, 0, 0),
        "nvmlDeviceGetNvLinkState": lambda link: link != 2 if link < 4 else NVMLError(2),
        "nvmlDeviceGetMigMode": [0, 1],
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetComputeMode": 0,
        "nvmlDeviceGetCurrentClocksEventReasons": 0x41,
        "nvmlDeviceGetFieldValues": lambda fields: field(0) if fields == [230] else NVMLError(2),
        "nvmlDeviceGetTemperatureV": 34,
        "nvmlDeviceGetPowerUsage": 77686,
    } | answers
