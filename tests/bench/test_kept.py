"""Rows are kept with what they were measured on, and a later run loses none of the others."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import kept
from roles.lab import LabError

ROWS = (
    {"tool": "uv", "run": "cold", "hosts": 1, "wall_s": 90.0},
    {"tool": "uv", "run": "warm", "hosts": 1, "wall_s": 20.0},
    {"tool": "pip", "run": "cold", "hosts": 1, "wall_s": 200.0},
)


@pytest.fixture
def when(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What every run of the test has for its circumstances."""
    told = {"at": "2026-11-27 02:25", "commit": "df59e31", "cores": 2, "load": 3.5}
    monkeypatch.setattr(kept, "circumstances", lambda: dict(told))
    monkeypatch.setattr(kept, "load", lambda: told["load"])
    return told


def test_rows_of_several_runs(tmp_path: Path, when: dict[str, Any]) -> None:
    first = kept.Results("install", folder=tmp_path / "results")
    for row in ROWS:
        first.keep(row)
    when |= {"at": "2026-11-28 02:25", "load": 0.1}
    kept.Results("install", folder=tmp_path / "results").keep(ROWS[1] | {"wall_s": 15.0})
    found = json.loads((tmp_path / "results/install.json").read_text())["rows"]
    assert [(row["tool"], row["run"], row["wall_s"]) for row in found] == [
        ("uv", "cold", 90.0),
        ("uv", "warm", 15.0),
        ("pip", "cold", 200.0),
    ]
    assert [row["load"] for row in found] == [3.5, 0.1, 3.5]


def test_what_makes_a_row_the_same(tmp_path: Path, when: dict[str, Any]) -> None:
    weights = kept.Results("weights", same=("part", "tool"), folder=tmp_path)
    for part in ("fetch", "hashing", "fetch"):
        weights.keep({"part": part, "tool": "curl"})
    assert [row["part"] for row in weights.rows] == ["fetch", "hashing"]
    # A row a line, so that a change of one is one line of a diff.
    assert len(weights.file.read_text().splitlines()) == 4


def test_circumstances() -> None:
    found = kept.circumstances()
    assert found.keys() == {"at", "commit", "cores"}
    assert found["cores"] >= 1
    assert kept.load() >= 0


@pytest.mark.parametrize("text", ["", "[]", '{"row": []}'])
def test_file_of_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "install.json").write_text(text)
    with pytest.raises(LabError, match=r"install\.json: .*, what a bench wrote is right"):
        kept.Results("install", folder=tmp_path).keep(ROWS[0])
