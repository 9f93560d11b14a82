"""What npu-smi prints is read right, in every layout, and never better than it is."""

import random
from pathlib import Path
from typing import Any

import npu_smi
import pytest

SAMPLES = Path(__file__).parent / "samples/ascend"
TABLES = ("a2_busy", "a2_wide", "duo", "a1")


def _read(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_text()


def _info(name: str) -> dict[str, Any]:
    found = npu_smi.parse_info(_read(name))
    assert (found["error"], found["unknown"]) == (None, [])
    return found


def test_a2() -> None:
    found = _info("a2_busy")
    first, second = found["devices"]
    assert found["npu_smi"] == "25.5.1"
    assert first == {
        "npu": 2, "chip": 0, "logic": None, "name": "910B3", "kind": "a2", "health": "OK",
        "slot": "0000:c1:00.0", "power_w": 101.5, "temperature_c": 44, "aicore_percent": 17,
        "total_mib": 65536, "used_mib": 58211, "free_mib": 7325, "hugepages": [0, 0],
        "processes": [
            {"pid": 71204, "name": "python3.11", "mib": 40110},
            {"pid": 71377, "name": "VLLMEngineCore", "mib": 14700},
        ],
    }  # fmt: skip
    assert (second["npu"], second["health"], second["hugepages"]) == (6, "Warning", [4, 16])
    assert second["processes"] == []


def test_wide() -> None:
    """A number is no health, and a column more is no other table."""
    (device,) = _info("a2_wide")["devices"]
    assert (device["health"], device["used_mib"]) == ("4106296", 9120)
    assert device["processes"] == [{"pid": 3120, "name": "python", "mib": 6100}]


def test_duo() -> None:
    """Two chips on a card, each with a number of its own; a card of one chip beside it."""
    devices = _info("duo")["devices"]
    assert [(d["npu"], d["chip"], d["logic"], d["kind"]) for d in devices] == [
        (2, 0, 0, "duo"),
        (2, 1, 1, "duo"),
        (32896, 0, 2, "310p"),
    ]
    assert [d["health"] for d in devices] == ["OK", "Alarm", "OK"]
    assert [(d["total_mib"], d["power_w"]) for d in devices] == [
        (44278, None),
        (43693, None),
        (21527, None),
    ]
    # The tool printed no table of processes: nobody knows.
    assert [d["processes"] for d in devices] == [None, None, None]


def test_a_generation_that_calls_itself_910b() -> None:
    (device,) = _info("a1")["devices"]
    assert (device["name"], device["kind"], device["total_mib"]) == ("910B", "910a", 32768)


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("dcmi module initialize failed. ret is -8005\n", -8005, "dcmi-not-initialised"),
        ("DrvMngGetConsoleLogLevel failed. (ret=4)\n", 4, "driver-does-not-answer"),
        ("Invalid card id.\nError parameter of -i\n", None, "invalid-card"),
        ("Error parameter of -t\nUsage: npu-smi info <watch|…>\n", None, "invalid-argument"),
        ("bash: npu-smi: Input/output error\n", None, "no-devices"),
        ("", None, "no-devices"),
    ],
)
def test_failure(text: str, code: int | None, name: str) -> None:
    found = npu_smi.parse_info(text)
    assert (found["devices"], found["npu_smi"]) == ([], None)
    assert (found["error"]["code"], found["error"]["name"]) == (code, name)
    assert found["error"]["text"]


def test_both_lines_of_a_failure() -> None:
    error = npu_smi.parse_info(_read("not_loaded"))["error"]
    assert (error["code"], error["name"]) == (-8005, "dcmi-not-initialised")
    assert error["text"].startswith("DrvMngGetConsoleLogLevel failed. (ret=4) dcmi")


@pytest.mark.parametrize("gone", [0, 1])
def test_half_a_chip_is_a_chip(gone: int) -> None:
    """Whichever of its rows is missing: the chip is there, and not well."""
    lines = _read("a1").splitlines()
    del lines[6 + gone]
    found = npu_smi.parse_info("\n".join(lines))
    (device,) = found["devices"]
    assert len(found["unknown"]) == 1
    if gone == 0:
        assert (device["npu"], device["health"], device["slot"]) == (
            None,
            "unknown",
            "0000:c2:00.0",
        )
    else:
        assert (device["npu"], device["health"], device["total_mib"]) == (4, "OK", None)


def test_another_name_is_unknown() -> None:
    found = npu_smi.parse_info(_read("a1").replace("| 4     910B  ", "| 4     950DT "))
    assert [device["kind"] for device in found["devices"]] == ["unknown"]


def test_numbers_that_are_none() -> None:
    text = _read("a1").replace("66.0 ", "err  ").replace("2301 / 15038 ", "-    / 15038 ")
    found = npu_smi.parse_info(text)
    (device,) = found["devices"]
    assert (device["power_w"], device["total_mib"], device["free_mib"]) == (None, None, None)
    assert len(found["unknown"]) == 1


@pytest.mark.parametrize("name", TABLES)
def test_cut_anywhere(name: str) -> None:
    """No cut raises, or makes a chip well that is not; what is left of one is named."""
    text = _read(name)
    whole = npu_smi.parse_info(text)["devices"]
    well = {(d["npu"], d["name"]) for d in whole if d["health"] == "OK"}
    for end in range(len(text)):
        found = npu_smi.parse_info(text[:end])
        for device in found["devices"]:
            assert device["health"] != "OK" or (device["npu"], device["name"]) in well
        assert found["devices"][:-1] == [
            cut | {"processes": left["processes"], "kind": left["kind"]}
            for cut, left in zip(whole, found["devices"][:-1], strict=False)
        ]
        if found["devices"] and found["devices"][-1]["total_mib"] is None:
            assert found["unknown"]


@pytest.mark.parametrize("seed", range(200))
def test_noise(seed: int) -> None:
    """Lines and cells that are lost, doubled or strange end up in a chip's numbers or by name."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    lines = _read(chance.choice(TABLES)).splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        cells = lines[at].split("|")
        match chance.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, "| ??? | noise |")
            case 2:
                lines[at] = "|".join(cells[: chance.randint(0, len(cells))])
            case _:
                lines[at] = lines[at].replace("OK", "", 1)
    found = npu_smi.parse_info("\n".join(lines))
    text = "\n".join(lines)
    assert sum(d["health"] == "OK" for d in found["devices"]) <= text.count("| OK ")
    assert found["devices"] or found["error"]


def test_map() -> None:
    assert npu_smi.parse_map(_read("map")) == [
        {"npu": 2, "chip": 0, "logic": 0, "name": "Ascend 910B3"},
        {"npu": 2, "chip": 1, "logic": None, "name": "Mcu"},
        {"npu": 6, "chip": 0, "logic": 1, "name": "Ascend 910B3"},
        {"npu": 6, "chip": 1, "logic": None, "name": "Mcu"},
    ]
    assert npu_smi.parse_map("Error parameter of -m\n") == []


def test_health() -> None:
    assert npu_smi.parse_health(_read("health")) == {
        "codes": ["80E01801", "8C03A000"],
        "text": "board fault; node type=board, event state=failed",
    }
    well = "Health Status : OK\nError Code : NA\nError Information : NA\n"
    assert npu_smi.parse_health(well) is None
