"""Reports as files: named by time, whole or not at all, the newest few of each deploy."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from roles.report import kept


def _report(**fields: Any) -> kept.Report:
    right = {"schema": 1, "run": "r0000001", "deploys": ["deploy/main.py"]}
    return right | {"began": "2026-11-26T18:40:02Z"} | fields


def test_lie_beside_the_inventory() -> None:
    place = kept.folder(Path("inventories/prod.py"), {})
    assert place == Path("inventories/reports/prod")


def test_lie_where_the_run_was_told() -> None:
    place = kept.folder(Path("inventories/prod.py"), {"reports": "/srv/reports"})
    assert place == Path("/srv/reports")


@pytest.mark.parametrize(
    ("deploys", "name"),
    [
        (["deploy/main.py"], "20261126T184002Z-main-r0000001.json"),
        (["deploy/main.py", "deploy/check.py"], "20261126T184002Z-main+check-r0000001.json"),
        (["/odd place/a b.py"], "20261126T184002Z-a_b-r0000001.json"),
    ],
)
def test_names_sort_by_time(tmp_path: Path, deploys: list[str], name: str) -> None:
    report = _report(deploys=deploys)
    kept.write(tmp_path / "not" / "there", report)
    assert [path.name for path in (tmp_path / "not" / "there").iterdir()] == [name]
    assert list(kept.newest(tmp_path / "not" / "there")) == [report]


def test_is_replaced_by_its_end(tmp_path: Path) -> None:
    kept.write(tmp_path, _report(outcome=None))
    kept.write(tmp_path, _report(outcome="done"))
    assert [report["outcome"] for report in kept.newest(tmp_path)] == ["done"]


def test_one_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    kept.write(tmp_path, _report(outcome=None))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        kept.write(tmp_path, _report(outcome="done"))
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    assert [report["outcome"] for report in kept.newest(tmp_path)] == [None]


def test_oldest_of_the_same_deploy_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check every five minutes pushes out no upgrade, and what is not ours stays."""
    monkeypatch.setattr(kept, "KEPT", 3)
    (tmp_path / "notes.json").write_text("[]")
    kept.write(tmp_path, _report(began="2026-11-01T00:00:00Z"))
    for minute in range(5):
        began = f"2026-11-26T18:4{minute}:00Z"
        kept.write(tmp_path, _report(deploys=["deploy/check.py"], began=began))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20261101T000000Z-main-r0000001.json",
        "20261126T184200Z-check-r0000001.json",
        "20261126T184300Z-check-r0000001.json",
        "20261126T184400Z-check-r0000001.json",
        "notes.json",
    ]


def test_newest_first_and_so_many_of_each(tmp_path: Path) -> None:
    for minute, deploy in enumerate(["main", "check", "check", "main", "check"]):
        began = f"2026-11-26T18:4{minute}:00Z"
        kept.write(tmp_path, _report(deploys=[f"deploy/{deploy}.py"], began=began))
    found = [(one["began"][14:16], one["deploys"]) for one in kept.newest(tmp_path, of_each=2)]
    assert found == [
        ("44", ["deploy/check.py"]),
        ("43", ["deploy/main.py"]),
        ("42", ["deploy/check.py"]),
        ("40", ["deploy/main.py"]),
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"schema": 2})])
def test_what_is_no_report_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "20261126T184002Z-main-r0000001.json").write_text(text)
    assert list(kept.newest(tmp_path)) == []


def test_no_folder_has_no_report(tmp_path: Path) -> None:
    assert list(kept.newest(tmp_path / "none")) == []
