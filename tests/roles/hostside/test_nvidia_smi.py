"""
Outputs of ``nvidia-smi`` are read whatever driver printed them, and cut ones tell nothing else.

The samples were made up in the shape of real ones: XML of drivers 450 and 575, text of 565 and 610.
"""

import json
from pathlib import Path
from typing import Any

import nvidia_smi
import pytest

SAMPLES = Path(__file__).parent / "samples" / "cuda"
OUTPUTS = ["h100_575.xml", "l40s_565.txt", "rtxpro6000_610.txt", "v100_450.xml"]


def _parsed(text: str) -> dict[str, Any]:
    found = nvidia_smi.parse(text)
    json.dumps(found)
    assert sorted(found) == ["cuda", "devices", "driver", "error"]
    return found


def _sample(name: str) -> dict[str, Any]:
    return _parsed((SAMPLES / name).read_text())


def _some(device: dict[str, Any], *keys: str) -> list[Any]:
    return [device[key] for key in keys]


def test_xml_of_a_new_driver() -> None:
    found = _sample("h100_575.xml")
    assert (found["driver"], found["cuda"], found["error"]) == ("575.57.08", "12.9", None)
    well, ill = found["devices"]
    retired = "retired_pages/{}_retirement/retired_count".format
    assert well == {
        "index": 0,
        "minor": 0,
        "uuid": "GPU-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "serial": "1652399900017",
        "name": "NVIDIA H100 80GB HBM3",
        "slot": "0000:4e:00.0",
        "numa": None,
        "capability": None,
        "total_mib": 81559,
        "free_mib": 81028,
        "used_mib": 52,
        "reserved_mib": 479,
        "processes": [
            {"pid": 30990, "name": "python3", "mib": 1024, "unit": None},
            {"pid": 30991, "name": None, "mib": None, "unit": None},
        ],
        "ecc": {
            "enabled": True,
            "pending": True,
            "uncorrected": 0,
            "uncorrected_lifetime": 0,
            "corrected_lifetime": 2,
        },
        "remapped_rows": {
            "correctable": 0, "uncorrectable": 0, "pending": False, "failure": False,
        },
        "retired_pages": None,
        "nvlink": None,
        "mig": {
            "enabled": True,
            "pending": True,
            "devices": [
                {"uuid": None, "name": None, "total_mib": 40448},
                {"uuid": None, "name": None, "total_mib": 9984},
            ],
        },
        "persistence": True,
        "compute_mode": "default",
        "throttle": ["idle"],
        "recovery": "none",
        "temperature_c": 41,
        "power_w": 72,
        "error": None,
        "unsupported": [
            retired("multiple_single_bit"), retired("double_bit"),
            "retired_pages/pending_retirement", "retired_pages/pending_blacklist",
        ],
        "unknown": {},
    }  # fmt: skip
    assert _some(ill, "index", "persistence", "recovery") == [1, False, "drain-and-reset"]
    assert ill["throttle"] == ["power-cap", "hw-slowdown", "hw-thermal"]
    assert ill["ecc"] == {
        "enabled": True, "pending": True, "uncorrected": 3, "uncorrected_lifetime": 4,
        "corrected_lifetime": 47,
    }  # fmt: skip
    assert ill["remapped_rows"] == {
        "correctable": 2, "uncorrectable": 3, "pending": True, "failure": False,
    }  # fmt: skip
    assert [process["name"] for process in ill["processes"]] == ["/usr/bin/a b", "VLLM::EngineCore"]
    assert ill["mig"] == {"enabled": False, "pending": False, "devices": []}


def test_xml_of_an_old_driver() -> None:
    found = _sample("v100_450.xml")
    assert (found["driver"], found["cuda"], found["error"]) == ("450.248.02", "11.0", None)
    (device,) = found["devices"]
    assert _some(device, "slot", "minor") == ["0004:04:00.0", 3]
    assert _some(device, "total_mib", "used_mib", "free_mib") == [32510, 12, 32498]
    assert device["reserved_mib"] is None
    assert device["ecc"] == {
        "enabled": True, "pending": False, "uncorrected": 0, "uncorrected_lifetime": 2,
        "corrected_lifetime": 15,
    }  # fmt: skip
    assert device["retired_pages"] == {"single_bit": 1, "double_bit": 2, "pending": True}
    assert _some(device, "remapped_rows", "mig", "recovery") == [None, None, None]
    assert device["throttle"] == ["applications-clocks", "power-brake", "unknown-moon-phase"]
    assert _some(device, "compute_mode", "power_w") == ["exclusive-process", 45]
    assert device["processes"] == []


def test_text() -> None:
    found = _sample("l40s_565.txt")
    assert (found["driver"], found["cuda"], found["error"]) == ("565.57.01", "12.7", None)
    well, ill = found["devices"]
    assert _some(well, "index", "slot", "name") == [0, "0000:3b:00.0", "NVIDIA L40S"]
    assert _some(well, "total_mib", "free_mib", "used_mib", "reserved_mib") == [
        46068, 45470, 2, 597,
    ]  # fmt: skip
    assert _some(well, "compute_mode", "power_w", "temperature_c") == ["prohibited", 34, 29]
    assert _some(well, "mig", "retired_pages", "processes") == [None, None, []]
    assert well["ecc"]["uncorrected"] == 1
    assert well["throttle"] == ["idle", "sw-thermal"]
    assert well["remapped_rows"] == {
        "correctable": 0, "uncorrectable": 1, "pending": False, "failure": True,
    }  # fmt: skip
    # Two old words for what is one action since.
    assert (well["recovery"], ill["recovery"]) == ("none", "reset")


def test_what_cannot_be_told_is_unknown_and_in_no_sum() -> None:
    ill = _sample("l40s_565.txt")["devices"][1]
    assert ill["ecc"]["uncorrected"] is None
    assert ill["unknown"] == {"ecc_errors/volatile/sram_uncorrectable_parity": "ERR!"}


def test_text_with_the_labels_of_driver_610() -> None:
    found = _sample("rtxpro6000_610.txt")
    assert (found["driver"], found["cuda"], found["error"]) == ("610.43.02", "13.3", None)
    (device,) = found["devices"]
    assert device["mig"] == {
        "enabled": True,
        "pending": False,
        "devices": [
            {"uuid": None, "name": None, "total_mib": 48512},
            {"uuid": None, "name": None, "total_mib": 24192},
        ],
    }
    assert device["processes"] == [
        {"pid": 7716, "name": "/usr/lib/xorg/Xorg", "mib": 18, "unit": None},
        {"pid": 28511, "name": "/srv/a: b/python3 -m vllm", "mib": 20220, "unit": None},
    ]
    assert _some(device, "serial", "minor", "recovery") == [None, 2, "reboot"]
    assert device["throttle"] == ["hw-slowdown", "power-brake"]
    assert _some(device, "power_w", "temperature_c") == [213, None]
    assert device["unknown"] == {"temperature/gpu_current_temp": "[Unknown Error]"}
    assert device["ecc"] == {
        "enabled": False, "pending": True, "uncorrected": None, "uncorrected_lifetime": None,
        "corrected_lifetime": None,
    }  # fmt: skip
    assert "remapped_rows" in device["unsupported"]


@pytest.mark.parametrize("value", ["N/A", "[N/A]", "Not Supported", "[Not Supported]"])
def test_value_that_a_card_does_not_have(value: str) -> None:
    device = _changed(value, "39 C")
    assert device["temperature_c"] is None
    assert "temperature/gpu_temp" in device["unsupported"]
    assert (device["unknown"], device["error"]) == ({}, None)


@pytest.mark.parametrize("value", ["ERR!", "Unknown Error", "[Unknown Error]", "warm", "39 39"])
def test_value_that_is_none(value: str) -> None:
    device = _changed(value, "39 C")
    assert device["temperature_c"] is None
    assert device["unknown"] == {"temperature/gpu_temp": value}


@pytest.mark.parametrize(
    ("value", "code", "name"),
    [("[GPU is lost]", 15, "gpu-is-lost"), ("GPU requires reset", 16, "reset-required")],
)
def test_device_that_does_not_answer(value: str, code: int, name: str) -> None:
    device = _changed(value, "39 C")
    assert device["error"] == {"code": code, "name": name, "text": value}


@pytest.mark.parametrize(
    ("printed", "recovery"),
    [("GPU_RESET", "reset"), ("Reset", "reset"), ("Drain P2P", "drain-p2p"),
     ("Sacrifice", "unknown-sacrifice"), ("N/A", None)],
)  # fmt: skip
def test_recovery(printed: str, recovery: str | None) -> None:
    text = (SAMPLES / "h100_575.xml").read_text().replace("Drain and Reset", printed)
    assert _parsed(text)["devices"][1]["recovery"] == recovery


def test_mode_that_nobody_knows_is_named() -> None:
    assert _changed("Moderate", "Exclusive_Process")["compute_mode"] == "unknown-moderate"


def _changed(new: str, old: str) -> dict[str, Any]:
    text = (SAMPLES / "v100_450.xml").read_text()
    assert text.count(f">{old}<") == 1
    (device,) = _parsed(text.replace(f">{old}<", f">{new}<"))["devices"]
    assert isinstance(device, dict)
    return device


def test_newest_of_several() -> None:
    older, newer = ((SAMPLES / name).read_text() for name in ("l40s_565.txt", "rtxpro6000_610.txt"))
    between = "\n#### nvidia-smi -L\nGPU 0: NVIDIA L40S (UUID: GPU-3d4e5f60)\n"
    assert _parsed(older + between + newer + between)["driver"] == "610.43.02"
    assert _parsed(older + between + newer + between) == _parsed(newer)
    xml = (SAMPLES / "v100_450.xml").read_text()
    assert _parsed(f"$ nvidia-smi -q -x\n{xml}\n{xml}\n$ exit\n") == _parsed(xml)


def test_windows_line_ends() -> None:
    text = (SAMPLES / "l40s_565.txt").read_text()
    assert _parsed(text.replace("\n", "\r\n")) == _parsed(text)


def test_output_of_some_gpus_alone() -> None:
    """Which number has the one that was asked for with ``-i``, is not in the output."""
    text = (SAMPLES / "v100_450.xml").read_text()
    found = _parsed(text.replace("gpus>1<", "gpus>8<"))
    assert found["error"] == {
        "code": None,
        "name": "not-every-gpu",
        "text": "8 GPUs attached, 1 described: cut short, or asked with -i",
    }
    assert [(one["index"], one["minor"]) for one in found["devices"]] == [(None, 3)]


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
         "that the latest NVIDIA driver is installed and running.\n", 9, "driver-not-loaded"),
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95",
         18, "lib-rm-version-mismatch"),
        ("Failed to initialize NVML: Unknown Error\n", 999, "unknown"),
        ("Failed to initialize NVML: Insufficient Permissions\n", 4, "no-permission"),
        ("Unable to determine the device handle for GPU0000:4E:00.0: GPU is lost.  Reboot the "
         "system to recover this GPU\n", 15, "gpu-is-lost"),
        ("Unable to determine the device handle for GPU 0000:4E:00.0: Unknown Error\n", 999,
         "unknown"),
        ("No devices were found\n", 6, "not-found"),
        ("| NVIDIA-SMI 580.95.05      Driver Version: 580.95.05      CUDA Version: 13.0     |\n",
         None, "summary-table"),
        ("bash: nvidia-smi: command not found\n", None, "not-nvidia-smi"),
        ('{"devices": []}', None, "not-nvidia-smi"),
        ("", None, "not-nvidia-smi"),
    ],
)  # fmt: skip
def test_text_that_is_neither(text: str, code: int | None, name: str) -> None:
    found = _parsed(text)
    assert (found["error"]["code"], found["error"]["name"]) == (code, name)
    assert found["error"]["text"]
    assert (found["driver"], found["cuda"], found["devices"]) == (None, None, [])


def test_what_a_text_was_taken_for() -> None:
    assert _parsed("\n  hello\n")["error"]["text"] == (
        "neither nvidia-smi -q nor nvidia-smi -q -x: hello"
    )
    said = _parsed("| NVIDIA-SMI 580.95.05   |")["error"]["text"]
    assert said == "the table of nvidia-smi alone is not read, run nvidia-smi -q there"


@pytest.mark.parametrize("name", OUTPUTS)
def test_cut_anywhere(name: str) -> None:
    """Whatever is missing is ``None``; nothing becomes another number or a shorter list."""
    text = (SAMPLES / name).read_text()
    whole = _parsed(text)
    step = 41 if name.endswith(".xml") else 7
    for end in range(0, len(text), step):
        found = _parsed(text[:end])
        assert found["driver"] in (None, whole["driver"])
        assert found["cuda"] in (None, whole["cuda"])
        assert len(found["devices"]) <= len(whole["devices"])
        for device, right in zip(found["devices"], whole["devices"], strict=False):
            assert _differs(device, right) == [], text[:end][-60:]


def test_cut_xml_is_said_to_be_cut() -> None:
    text = (SAMPLES / "h100_575.xml").read_text()
    found = _parsed(text[: text.index("<gpu_recovery_action>Drain")])
    assert found["error"]["name"] == "cut-short"
    assert found["error"]["text"] == "the XML ends in the middle, after 2 GPUs"
    assert [one["recovery"] for one in found["devices"]] == ["none", None]


def test_list_that_is_cut_is_not_a_shorter_one() -> None:
    text = (SAMPLES / "rtxpro6000_610.txt").read_text()
    (device,) = _parsed(text[: text.index("    Capabilities")])["devices"]
    assert device["processes"] is None
    assert device["unknown"]["processes"] == "the output ends within it"
    (device,) = _parsed(text[: text.index("    Serial Number")])["devices"]
    assert device["mig"] == {"enabled": True, "pending": False, "devices": None}


@pytest.mark.parametrize("name", OUTPUTS)
def test_broken_anywhere(name: str) -> None:
    """A character that went wrong on the way breaks no more than an answer."""
    text = (SAMPLES / name).read_text()
    for place in range(0, len(text), 211):
        for wrong in ("<", "&", ":", "\n", "\0", "é", "]]>"):
            _parsed(text[:place] + wrong + text[place + 1 :])


def _differs(found: Any, right: Any) -> list[Any]:
    """Return what of a cut output is neither unknown nor as in the whole one."""
    if found is None:
        return []
    if isinstance(found, dict) and isinstance(right, dict):
        keys = set(found) - {"unsupported", "unknown", "error"}
        return [one for key in keys for one in _differs(found[key], right.get(key))]
    return [] if found == right else [(found, right)]
