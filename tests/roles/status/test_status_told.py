"""The terse table, and the files for programs and browsers."""

import json
from typing import Any

import pytest

from roles import output
from roles.status import told
from tests.roles.status import fleets


@pytest.fixture(scope="module")
def fleet() -> Any:
    return fleets.of(4)


def _rows(shown: str) -> list[list[str]]:
    lines = [line for line in shown.splitlines() if line.startswith(("┃", "│"))]
    cells = [line.strip("┃│").replace("┃", "│").split("│") for line in lines]
    return [[cell.strip() for cell in row] for row in cells]


def test_worst_first(fleet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    told.table({**fleet, "left_out": 3})
    shown = capsys.readouterr()
    assert shown.out == ""
    release = fleet["hosts"][0]["instances"][0]["release"]
    since = "2026-11-24T21:40:51Z"
    assert _rows(shown.err) == [
        ["host", "instance", "release", "since", "model", "health"],
        ["h200-1.example", "chat", release, since, "qwen3-vl-8b", "in trouble"],
        ["", "", "", "", "", "1 of 3 answers were wrong"],
        ["h200-2.example", "", "", "", "", "in trouble"],
        [
            *("", "", "", "", ""),
            "device 1: 3 uncorrectable ECC error(s) since the driver was loaded",
        ],
        [
            *("", "", "", "", ""),
            "device 5: Xid 79 in the kernel log of this boot (the GPU has fallen off the bus)",
        ],
        ["h200-2.example", "chat", release, since, "qwen3-vl-8b", "well"],
        ["h200-3.example", "", "", "", "", "unknown"],
        ["", "", "", "", "", "Could not connect, timed out"],
        ["h200-3.example", "chat", "–", "unknown", "qwen3-vl-8b", "unknown"],
        ["", "", "", "", "", "what it runs is not known"],
        ["h200-4.example", "", "", "", "", "worth a look"],
        [
            *("", "", "", "", ""),
            "drift in prepare: /etc/systemd/system/metalserve-vllm@.service has another mode,"
            " sha256",
        ],
        ["h200-4.example", "chat", release, since, "qwen3-vl-8b", "well"],
    ]
    assert shown.err.splitlines()[-1] == "3 more of the inventory were left out"


def test_host_that_serves_nothing_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    told.table({"hosts": [fleets.npus("npu-1")], "left_out": 0})
    assert _rows(capsys.readouterr().err)[1:] == [["npu-1", "", "", "", "", "well"]]


def test_what_a_host_says_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    host = fleets.well("gpu-1") | {"look": ["[red]:smile:[/INST]"], "state": "look"}
    told.table({"hosts": [host], "left_out": 0})
    assert "[red]:smile:[/INST]" in capsys.readouterr().err


def test_json(fleet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    output.write("-", told.as_json(fleet), what="what runs where")
    assert json.loads(capsys.readouterr().out) == fleet
