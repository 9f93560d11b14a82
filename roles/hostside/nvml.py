"""
What NVIDIA's driver says of its GPUs, asked through NVML, with what stands beside it.

The binding is ``pynvml`` of nvidia-ml-py: it comes along with the probe, lies beside this file on
a prepared host, or is the host's own.
"""

from __future__ import annotations

import ctypes
import importlib

import apart
import fabric_manager
import gpu
import gpu_memory
import kernel_log
import nvml_library
import pci
from asked import Asked, code, fault, quietly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_BINDING = "pynvml"
# Without persistence the driver wakes every card when it is asked, which takes seconds each.
_WITHIN_S = 120.0
_LIBRARY_NOT_FOUND = 12


def read() -> Dict[str, Any] | None:
    """Return what is known of CUDA on this host, ``None`` when it has no NVML library."""
    try:
        said = apart.answer(_asked, _WITHIN_S)
    except apart.UnansweredError as error:
        said = _silent({"code": None, "name": error.name, "text": "NVML: {}".format(error)})
    if said is None:
        return None
    beside = {"fabric_manager": fabric_manager.read(pci.read()), "xids": kernel_log.read()}
    return dict(said, **beside)


def told(binding: Any) -> Dict[str, Any] | None:
    """
    Return driver, CUDA, error and devices; ``None`` when the binding finds no library.

    :param binding: the module ``pynvml``
    """
    try:
        binding.nvmlInit()
    except Exception as error:
        said = fault(binding, error)
        if said["code"] == _LIBRARY_NOT_FOUND:
            return None
        # This is answered even then: the library's version, where the module is another.
        version = quietly(binding.nvmlSystemGetNVMLVersion)
        text = "{} (library {})".format(said["text"], version) if version else said["text"]
        return _silent(dict(said, text=text))
    try:
        return _started(binding)
    finally:
        quietly(binding.nvmlShutdown)


def _started(binding: Any) -> Dict[str, Any]:
    found = _silent(None)
    cuda = quietly(binding.nvmlSystemGetCudaDriverVersion_v2)
    found["driver"] = quietly(binding.nvmlSystemGetDriverVersion)
    found["cuda"] = "{}.{}".format(cuda // 1000, cuda % 1000 // 10) if cuda else None
    try:
        count = binding.nvmlDeviceGetCount()
    except Exception as error:
        return dict(found, error=fault(binding, error))
    return dict(found, devices=[gpu.read(binding, index) for index in range(count)])


def holders(devices: List[int]) -> Dict[int, List[Dict[str, Any]]]:
    """
    Return who holds memory of each of these devices, by its number; nothing without the library.

    :raises apart.UnansweredError: NVML does not answer, or not for one of them
    """
    found = apart.answer(lambda: _holders(devices), _WITHIN_S)
    return {int(device): holding for device, holding in found.items()}


def _holders(devices: List[int]) -> Dict[int, List[Dict[str, Any]]]:
    binding = importlib.import_module(_BINDING)
    try:
        binding.nvmlInit()
    except Exception as error:
        if code(error) == _LIBRARY_NOT_FOUND:
            return {}
        raise
    try:
        asked = Asked(binding)
        found = {}
        for device in devices:
            handle = binding.nvmlDeviceGetHandleByIndex(device)
            holding = gpu_memory.holders(asked, handle)
            if holding is None:
                raise OSError("device {} does not tell: {}".format(device, asked.unknown))
            found[device] = holding
        return found
    finally:
        quietly(binding.nvmlShutdown)


def _asked() -> Dict[str, Any] | None:
    try:
        ctypes.CDLL(nvml_library.NAME)
    except OSError as error:
        if str(error).startswith(
            "{}: cannot open shared object file: No such".format(nvml_library.NAME)
        ):
            return None
        return _silent({"code": None, "name": "library-broken", "text": str(error)})
    try:
        binding = importlib.import_module(_BINDING)
    except Exception as error:
        text = "{} is here, but no module {} to ask it with: {}".format(
            nvml_library.NAME, _BINDING, error
        )
        return _silent({"code": None, "name": "no-binding", "text": text})
    return told(binding)


def _silent(error: Dict[str, Any] | None) -> Dict[str, Any]:
    return {"driver": None, "cuda": None, "error": error, "devices": []}
