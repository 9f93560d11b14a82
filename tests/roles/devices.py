"""Accelerators as the probe tells of them: healthy ones, but for what a test asks."""

from typing import Any

Found = dict[str, Any]


def gpu(index: int = 0, **fields: Any) -> Found:
    """Return an H200 that nobody uses."""
    right: Found = {
        "index": index,
        "minor": index,
        "uuid": f"GPU-6f1c2d3e-0000-4000-8000-{index:012d}",
        "serial": f"16524220{index:05d}",
        "name": "NVIDIA H200",
        "slot": f"0000:{index + 6:02x}:00.0",
        "numa": 0,
        "capability": "9.0",
        "total_mib": 143771,
        "free_mib": 143156,
        "used_mib": 0,
        "reserved_mib": 615,
        "processes": [],
        "ecc": {
            "enabled": True,
            "pending": True,
            "uncorrected": 0,
            "uncorrected_lifetime": 0,
            "corrected_lifetime": 0,
        },
        "remapped_rows": {
            "correctable": 0, "uncorrectable": 0, "pending": False, "failure": False,
        },
        "retired_pages": None,
        "nvlink": None,
        "mig": {"enabled": False, "pending": False, "devices": []},
        "persistence": True,
        "compute_mode": "default",
        "throttle": ["idle"],
        "recovery": "none",
        "temperature_c": 34,
        "power_w": 77,
        "error": None,
        "unsupported": [],
        "unknown": {},
    }  # fmt: skip
    return _changed(right, fields)


def cuda(*gpus: Found, **fields: Any) -> Found:
    """Return the part ``cuda`` of a host with these GPUs and no NVSwitch."""
    right: Found = {
        "driver": "580.159.04",
        "cuda": "13.0",
        "error": None,
        "devices": list(gpus),
        "fabric_manager": None,
        "xids": [],
    }
    return _changed(right, fields)


def npu(npu: int = 0, **fields: Any) -> Found:
    """Return a 910B4 of an Atlas 800I A2 that nobody uses."""
    right: Found = {
        "npu": npu,
        "chip": 0,
        "logic": npu,
        "name": "910B4",
        "kind": "a2",
        "health": "OK",
        "slot": f"0000:{npu + 0xC1:02x}:00.0",
        "power_w": 87.2,
        "temperature_c": 33,
        "aicore_percent": 0,
        "total_mib": 65536,
        "used_mib": 2654,
        "free_mib": 62882,
        "hugepages": [0, 0],
        "processes": [],
        "health_detail": None,
        "roce": "UP",
    }
    return _changed(right, fields)


def ascend(*npus: Found, **fields: Any) -> Found:
    """Return the part ``ascend`` of a host with these NPUs, an HDK and one CANN."""
    right: Found = {
        "npu_smi": "25.5.1",
        "error": None,
        "devices": list(npus),
        "unknown": [],
        "hdk": {
            "driver": "25.5.1",
            "firmware": "7.8.0.5.216",
            "compatible_firmware": [["7.0.0", "7.8.99"]],
            "compatible_driver": [["24.1", "24.1."], ["25.0", "25.0."], ["25.5", "25.5."]],
            "user": "HwHiAiUser",
            "group": "HwHiAiUser",
            "for_all": True,
            "loaded": "25.5.1",
            "module": True,
        },
        "cann": [
            {"version": "8.5.1", "path": "/usr/local/Ascend/cann-8.5.1", "arch": "aarch64"},
        ],
        "ops": [],
        "nnal": [],
        "mindie": [],
        "atb_models": [],
    }
    return _changed(right, fields)


def card(**fields: Any) -> Found:
    """Return one entry of the part ``pci``: an H200 with its driver."""
    right: Found = {
        "slot": "0000:06:00.0",
        "vendor": "0x10de",
        "device": "0x2335",
        "subvendor": "0x10de",
        "subdevice": "0x18be",
        "class": "0x030200",
        "driver": "nvidia",
        "numa": 0,
        "what": "NVIDIA GPU",
    }
    return _changed(right, fields)


def _changed(right: Found, fields: Found) -> Found:
    strange = sorted(set(fields) - set(right))
    assert not strange, f"the probe tells nothing of {', '.join(strange)}"
    return right | fields
