"""What npu-smi and hccn_tool print beside the table: numbers, health, links."""

import npu_smi
import npu_smi_details
import pytest

from tests.roles.hostside.test_npu_smi import read


def test_map() -> None:
    assert npu_smi.parse_map(read("map")) == [
        {"npu": 2, "chip": 0, "logic": 0, "name": "Ascend 910B3"},
        {"npu": 2, "chip": 1, "logic": None, "name": "Mcu"},
        {"npu": 6, "chip": 0, "logic": 1, "name": "Ascend 910B3"},
        {"npu": 6, "chip": 1, "logic": None, "name": "Mcu"},
    ]
    assert npu_smi.parse_map("Error parameter of -m\n") == []
    assert npu_smi.parse_map("") == []


def test_map_without_tabs() -> None:
    assert npu_smi.parse_map(read("map").expandtabs().rstrip()) == npu_smi.parse_map(read("map"))


def test_map_with_a_further_column() -> None:
    """As of newer chips: a physical number before the name."""
    text = read("map").replace("Chip Logic ID  ", "Chip Logic ID  Chip Phy-ID  ")
    text = text.replace("Ascend", "4     Ascend").replace("Mcu", "-     Mcu")
    assert npu_smi.parse_map(text) == npu_smi.parse_map(read("map"))


def test_map_that_is_cut_off() -> None:
    text = read("map")
    for end in range(len(text)):
        for row in npu_smi.parse_map(text[:end]):
            assert row["npu"] in (2, 6)
            assert row["logic"] in (None, 0, 1)
    assert npu_smi.parse_map(text[: text.index("Ascend")])[0] == {
        "npu": 2, "chip": None, "logic": None, "name": None,
    }  # fmt: skip


def test_health() -> None:
    assert npu_smi_details.parse_health(read("health")) == {
        "codes": ["80E01801", "8C03A000"],
        "text": "board fault; node type=board, event state=failed",
    }
    well = "Health Status : OK\nError Code : NA\nError Information : NA\n"
    assert npu_smi_details.parse_health(well) == {"codes": [], "text": ""}
    assert npu_smi_details.parse_health("Invalid card id.\nError parameter of -i\n") is None


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("link status: UP\n", "UP"),
        ("link status: DOWN\n", "DOWN"),
        ("link status: UNKNOWN\n", None),
        ("link status: UP\nlink status: DOWN\n", None),
        ("link up count : 2\n", None),
        ("", None),
    ],
)
def test_link(text: str, link: str | None) -> None:
    assert npu_smi_details.parse_link(text) == link
