"""This host's npu-smi is asked; what it leaves out, and that it hangs, is told."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ascend_root
import npu_smi
import processes
import pytest

from tests.roles.hostside.test_npu_smi import LOADED_NOT, SAMPLES

Asks = Callable[..., dict[str, Any]]


def _script(path: Path, cases: dict[str, str]) -> None:
    rows = "".join(f"'{words}') {answer} ;;\n" for words, answer in cases.items())
    text = f"#!/bin/sh\ncase \"$*\" in\n{rows}*) echo 'Error parameter of -t'; exit 1 ;;\nesac\n"
    path.write_text(text)
    path.chmod(0o755)


def _cat(name: str) -> str:
    return f"cat '{SAMPLES}/{name}.txt'"


@pytest.fixture
def asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """Ask tools that answer as told: words → shell command."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(npu_smi, "_HCCN", f"{tmp_path}/hccn_tool")
    monkeypatch.setattr(npu_smi, "_WITHIN_S", 2.0)

    def ask(smi: dict[str, str], hccn: dict[str, str] | None = None) -> dict[str, Any]:
        _script(tmp_path / "npu-smi", smi)
        if hccn is not None:
            _script(tmp_path / "hccn_tool", hccn)
        return npu_smi.read()

    return ask


def test_a2(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logic ids from the map, codes of the chip that is not well, links, units."""
    monkeypatch.setattr(processes, "unit_of", {71204: "metalserve-vllm@chat.service"}.get)
    found = asks(
        {
            "info": _cat("a2_busy"),
            "info -m": _cat("map"),
            "info -t health -i 6 -c 0": _cat("health"),
        },
        {"-i 2 -link -g": "echo 'link status: UP'", "-i 6 -link -g": "echo 'link status: DOWN'"},
    )
    first, second = found["devices"]
    assert (found["npu_smi"], found["loaded"], found["error"]) == ("25.5.1", "25.5.1", None)
    assert found["unknown"] == []
    assert [first["logic"], second["logic"]] == [0, 1]
    assert [first["roce"], second["roce"]] == ["UP", "DOWN"]
    assert first["health_detail"] is None
    assert second["health_detail"]["codes"] == ["80E01801", "8C03A000"]
    assert [one["unit"] for one in first["processes"]] == ["metalserve-vllm@chat.service", None]


def test_duo_has_no_port(asks: Asks) -> None:
    """Nor is its logic id lost when there is no map."""
    found = asks({"info": _cat("duo")}, {"-i 2 -link -g": "echo 'link status: UP'"})
    assert [device["roce"] for device in found["devices"]] == [None, None, None]
    assert [device["logic"] for device in found["devices"]] == [0, 1, 2]
    assert found["unknown"] == ["npu-smi info -m: Error parameter of -t"]


def test_nameless_process_is_named_by_the_kernel(
    asks: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "name_of", {8123: "mindie_llm_serv"}.get)
    first, _ = asks({"info": _cat("sparse")})["devices"]
    assert first["processes"][0]["name"] == "mindie_llm_serv"


def test_chip_that_the_table_leaves_out(asks: Asks) -> None:
    found = asks({"info": _cat("a1"), "info -m": _cat("map")})
    assert [(d["npu"], d["logic"], d["kind"], d["health"]) for d in found["devices"]] == [
        (4, None, "910a", "OK"),
        (2, 0, "a2", "unknown"),
        (6, 1, "a2", "unknown"),
    ]
    assert all(device["total_mib"] is None for device in found["devices"][1:])


def test_half_a_chip_is_told_by_the_map(asks: Asks, tmp_path: Path) -> None:
    """Its first row is gone, its health with it."""
    lines = (SAMPLES / "a2_busy.txt").read_text().splitlines()
    (tmp_path / "cut").write_text("\n".join([*lines[:6], *lines[7:]]))
    found = asks({"info": f"cat {tmp_path}/cut", "info -m": _cat("map")})
    first, second = found["devices"]
    assert (first["npu"], first["logic"], first["name"], first["kind"]) == (2, 0, "910B3", "a2")
    assert (first["health"], first["slot"]) == ("unknown", "0000:c1:00.0")
    assert (second["npu"], second["health"]) == (6, "Warning")
    # Whose its processes are was not known when they were read.
    assert (first["processes"], found["unknown"]) == (None, [lines[7], *lines[15:17]])


def test_map_of_which_a_row_is_cut(asks: Asks) -> None:
    found = asks({"info": _cat("a2_wide"), "info -m": r"printf 'NPU ID  Chip ID\n0  0  0\n'"})
    assert found["unknown"] == ["npu-smi info -m: a row of NPU 0"]
    assert found["devices"][0]["logic"] is None


def test_driver_that_is_not_loaded(asks: Asks) -> None:
    """Nothing else is asked then."""
    found = asks({"info": f"printf '{LOADED_NOT}-8005'; exit 1", "info -m": _cat("map")})
    assert (found["error"]["code"], found["error"]["name"]) == (-8005, "dcmi-not-initialised")
    assert (found["devices"], found["loaded"], found["unknown"]) == ([], None, [])


def test_driver_that_hangs(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npu_smi, "_WITHIN_S", 0.3)
    began = time.monotonic()
    found = asks({"info": "exec sleep 600"})
    assert time.monotonic() - began < 300
    assert (found["error"]["name"], found["devices"]) == ("timeout", [])
    assert found["error"]["text"].endswith("npu-smi info: no answer within 0 s")


def test_hanging_half_way_costs_what_came_after(
    asks: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npu_smi, "_WITHIN_S", 0.5)
    found = asks(
        {"info": _cat("a2_busy"), "info -m": "exec sleep 600"},
        {"-i 2 -link -g": "echo 'link status: UP'"},
    )
    assert found["error"]["name"] == "timeout"
    assert [(d["npu"], d["roce"], d["health_detail"]) for d in found["devices"]] == [
        (2, None, None),
        (6, None, None),
    ]


def test_tool_that_is_no_program(asks: Asks, tmp_path: Path) -> None:
    asks({})
    (tmp_path / "npu-smi").write_bytes(b"\x7fELF of another machine")
    found = npu_smi.read()
    assert (found["error"]["name"], found["devices"]) == ("cannot-run", [])


def test_no_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ascend_root, "_FOLDERS", (f"{tmp_path}/sbin",))
    assert npu_smi.read()["error"]["name"] == "no-npu-smi"
    (tmp_path / "sbin").mkdir()
    _script(tmp_path / "sbin/npu-smi", {})
    assert ascend_root.tool() == f"{tmp_path}/sbin/npu-smi"
