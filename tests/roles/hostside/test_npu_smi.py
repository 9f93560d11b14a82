"""What npu-smi prints is read right, in every layout, and never better than it is."""

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import npu_smi
import pytest

SAMPLES = Path(__file__).parent / "samples/ascend"
TABLES = ("a1", "a2_busy", "a2_wide", "duo", "sparse")
LOADED_NOT = "DrvMngGetConsoleLogLevel failed. (ret=4)\ndcmi module initialize failed. ret is "


def read(name: str) -> str:
    """Return a saved output."""
    return (SAMPLES / f"{name}.txt").read_text()


def _info(name: str) -> dict[str, Any]:
    found = npu_smi.parse_info(read(name))
    assert (found["error"], found["unknown"]) == (None, [])
    return found


def test_a2() -> None:
    """A health wider than its column, a number that leaves no space, and who is busy."""
    found = _info("a2_busy")
    first, second = found["devices"]
    assert found["npu_smi"] == "25.5.1"
    assert first == {
        "npu": 2, "chip": 0, "logic": None, "name": "910B3", "kind": "a2", "health": "OK",
        "slot": "0000:c1:00.0", "power_w": 101.5, "temperature_c": 44, "aicore_percent": 17,
        "total_mib": 65536, "used_mib": 58211, "free_mib": 7325, "hugepages": [0, 0],
        "health_detail": None, "roce": None,
        "processes": [
            {"pid": 71204, "name": "python3.11", "mib": 40110, "unit": None},
            {"pid": 71377, "name": "VLLMEngineCore", "mib": 14700, "unit": None},
        ],
    }  # fmt: skip
    assert (second["npu"], second["health"], second["hugepages"]) == (6, "Warning", [4, 16])
    assert second["processes"] == []


def test_wide() -> None:
    """A number is no health, and a column more is no other table."""
    (device,) = _info("a2_wide")["devices"]
    assert (device["health"], device["used_mib"]) == ("4106296", 9120)
    assert device["processes"] == [{"pid": 3120, "name": "python", "mib": 6100, "unit": None}]


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


def test_sparse_numbers() -> None:
    """A card's number is its slot's; a process may have no name."""
    first, second = _info("sparse")["devices"]
    assert [first["npu"], second["npu"]] == [64, 32800]
    assert (first["kind"], first["hugepages"], first["used_mib"]) == ("310p", [8704, 8704], 18877)
    assert first["processes"] == [{"pid": 8123, "name": None, "mib": 16902, "unit": None}]
    assert second["processes"] == []


def test_a_generation_that_calls_itself_910b() -> None:
    """Memory beside the HBM gives it away; models lie in the HBM all the same."""
    (device,) = _info("a1")["devices"]
    assert (device["name"], device["kind"], device["total_mib"]) == ("910B", "910a", 32768)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("910B", "910a"), ("910A", "910a"), ("910B4", "a2"), ("910B7", "unknown"), ("95", "unknown")],
)
def test_kinds(name: str, kind: str) -> None:
    (device,) = npu_smi.parse_info(read("a1").replace("910B ", f"{name} "))["devices"]
    assert (device["name"], device["kind"]) == (name, kind)


def test_910b_without_other_memory_is_no_910a() -> None:
    (device,) = npu_smi.parse_info(read("a1").replace("2301 / 15038", "0    / 0    "))["devices"]
    assert device["kind"] == "unknown"


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        (LOADED_NOT + "-8005\n", -8005, "dcmi-not-initialised"),
        (
            "dcmi model initialized failed, because the device is used. ret is -8020\n",
            -8020,
            "device-in-use",
        ),
        ("DrvMngGetConsoleLogLevel failed. (ret=4)\n", None, "driver-does-not-answer"),
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
    said = text.splitlines() or ["npu-smi printed nothing"]
    assert all(line in found["error"]["text"] for line in said)


def test_words_around_a_table_are_named() -> None:
    """A warning before, within and after a table costs nothing but a line."""
    lines = read("a2_busy").splitlines()
    told = "[WARNING]The driver package may not be completely installed"
    found = npu_smi.parse_info("\n".join([told, *lines[:7], told, *lines[7:], told]))
    assert found == _info("a2_busy") | {"unknown": [told] * 3}


@pytest.mark.parametrize("gone", [0, 1])
def test_half_a_chip_is_a_chip(gone: int) -> None:
    """The tool leaves out the first row when a chip's health does not answer."""
    lines = read("a1").splitlines()
    del lines[6 + gone]
    found = npu_smi.parse_info("\n".join(lines))
    (device,) = found["devices"]
    assert found["unknown"] == [lines[6]]
    if gone == 0:
        assert (device["npu"], device["health"], device["slot"]) == (
            None,
            "unknown",
            "0000:c2:00.0",
        )
    else:
        assert (device["npu"], device["health"], device["total_mib"]) == (4, "OK", None)


def test_halves_of_two_chips_are_no_chip() -> None:
    """The rule between them tells."""
    lines = read("a2_busy").splitlines()
    del lines[9], lines[7]
    first, second = npu_smi.parse_info("\n".join(lines))["devices"]
    assert (first["npu"], first["slot"]) == (2, None)
    assert (second["npu"], second["slot"], second["health"]) == (None, "0000:02:00.0", "unknown")


def test_columns_that_are_not_there() -> None:
    """Without its heading a cell is nothing, and the row's own cells count."""
    text = read("a1")
    without = "\n".join(
        "|".join([*line.split("|")[:2], *line.split("|")[3:]]) if line[0] == "|" else line
        for line in text.splitlines()
    )
    for changed in (
        without,
        text.replace("| Health        ", ""),
        text.replace("| OK            ", ""),
    ):
        found = npu_smi.parse_info(changed)
        (device,) = found["devices"]
        assert (device["npu"], device["name"], device["health"]) == (4, "910B", "unknown")
        assert found["unknown"]


def test_half_of_a_cell_is_no_health() -> None:
    text = read("a1").replace("| Health        ", "| Health  More  ")
    (device,) = npu_smi.parse_info(text.replace("| OK      ", "| OK  not"))["devices"]
    assert device["health"] == "unknown"


def test_another_unit_is_no_number() -> None:
    found = npu_smi.parse_info(read("a1").replace("HBM-Usage(MB)", "HBM-Usage(GB)"))
    (device,) = found["devices"]
    # Memory-Usage is then all that is known, and the heading is named.
    assert (device["total_mib"], len(found["unknown"])) == (15038, 1)


def test_numbers_that_are_none() -> None:
    text = read("a1").replace("66.0 ", "err  ").replace("0    / 32768", "?    / 32768")
    found = npu_smi.parse_info(text)
    (device,) = found["devices"]
    assert (device["power_w"], device["temperature_c"]) == (None, 37)
    assert (device["used_mib"], device["total_mib"], device["free_mib"]) == (None, 32768, None)
    assert len(found["unknown"]) == 2


def test_process_that_nobody_understands() -> None:
    """Its card is not idle then, nor is another chip of it."""
    text = read("sparse").replace("| 8123 ", "| 81x3 ")
    first, second = npu_smi.parse_info(text)["devices"]
    assert (first["processes"], second["processes"]) == (None, [])
    (line,) = npu_smi.parse_info(text)["unknown"]
    assert "81x3" in line


def test_process_on_a_chip_that_is_not_there() -> None:
    found = npu_smi.parse_info(read("a2_wide").replace("| 0       0  ", "| 9       0  "))
    assert found["devices"][0]["processes"] is None
    assert len(found["unknown"]) == 1


def test_table_that_is_cut_off() -> None:
    """The last chip is whole, but nobody knows whether it is the last."""
    found = npu_smi.parse_info("\n".join(read("sparse").splitlines()[:11]))
    assert [device["npu"] for device in found["devices"]] == [64, 32800]
    assert found["error"]["name"] == "cut-off"
    assert found["error"]["text"].startswith("the table of npu-smi ends with: | 0       1")


@pytest.mark.parametrize("name", TABLES)
def test_cut_anywhere(name: str) -> None:
    """No cut raises or makes a chip well; a chip of which not all is left is named."""
    text = read(name)
    whole = npu_smi.parse_info(text)["devices"]
    for end in range(len(text)):
        found = npu_smi.parse_info(text[:end])
        for cut, device in zip(found["devices"], whole, strict=False):
            for key in ("npu", "chip", "name", "health", "slot", "total_mib", "used_mib"):
                assert cut[key] in (None, "unknown", device[key])
            assert None not in (cut["chip"], cut["total_mib"]) or found["unknown"]
        assert found["devices"] or found["error"]


@pytest.mark.parametrize("seed", range(200))
def test_noise(seed: int) -> None:
    """Whatever is lost, doubled or strange: no chip is well without a row that says so."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    lines = read(chance.choice(TABLES)).splitlines()
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(lines))
        cells = lines[at].split("|")
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(["| ? | noise |", "|", "+", "| 1 2 | NA | 0 1/2 |"]))
            case 2:
                lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
            case 3:
                del cells[chance.randrange(len(cells))]
                lines[at] = "|".join(cells)
            case _:
                lines[at] = lines[at].replace("OK", chance.choice(["", "0K", "OK | OK"]), 1)
    text = "\n".join(lines)
    found = npu_smi.parse_info(text)
    well = [(d["npu"], d["name"]) for d in found["devices"] if d["health"] == "OK"]
    said = re.findall(r"^\| (\d+) +(\S+) +\| OK +\|", text, re.MULTILINE)
    assert Counter(well) <= Counter((int(npu), name) for npu, name in said)
    slots = [device["slot"] for device in found["devices"]]
    for slot in re.findall(r"^\|.*\| (\S+:\S+\.0) +\|", text, re.MULTILINE):
        assert slot.lower() in slots or any(slot in line for line in found["unknown"])
    assert found["devices"] or found["error"]
