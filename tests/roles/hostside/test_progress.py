"""How far a job is, as operators read it."""

import json
import time
from pathlib import Path

import progress
import pytest

from tests.roles.hostside.staged import fill, names

_GIB = 1024**3


def _line(tmp_path: Path, **seen: object) -> str:
    (tmp_path / "progress.json").write_text(json.dumps(seen))
    return progress.line(f"{tmp_path}/progress.json")


def test_line_tells_rate_and_time_left(tmp_path: Path) -> None:
    line = _line(tmp_path, stage="bringing", done=2 * _GIB, total=8 * _GIB, rate=512 * 1024**2)
    assert line == "bringing: 2.0 GiB of 8.0 GiB, 512 MiB/s, 12 s left"


def test_line_without_a_rate_yet(tmp_path: Path) -> None:
    assert _line(tmp_path, stage="x", done=10, total=2048, rate=0.0) == "x: 10 B of 2 KiB"


def test_line_of_what_cannot_be_counted(tmp_path: Path) -> None:
    assert _line(tmp_path, stage="draining, 3 in flight", done=0, total=0, rate=0.0) == (
        "draining, 3 in flight"
    )


def test_line_before_the_first_word(tmp_path: Path) -> None:
    assert progress.line(f"{tmp_path}/progress.json") == ""


def test_no_time_is_promised_once_all_is_there(tmp_path: Path) -> None:
    assert _line(tmp_path, stage="x", done=30, total=20, rate=1.0) == "x: 30 B of 20 B"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (5 * 1024**2, "5 MiB"),
        (1.5 * _GIB, "1.5 GiB"),
        (4096 * _GIB, "4096.0 GiB"),
    ],
)
def test_size(count: float, words: str) -> None:
    assert progress.size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1.5 h"), (36000, "10.0 h")],
)
def test_duration(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words


def _seen(told: progress.Progress) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(told.path).read_text())
    return found


def test_rate_is_that_of_the_last_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = progress.Progress(str(tmp_path))
    for second in range(30):
        monkeypatch.setattr(time, "monotonic", lambda second=second: 100.0 + second)
        # Ten bytes a second, then a thousand.
        done = 10 * second if second < 10 else 100 + 1000 * (second - 10)
        told.say("bringing", done, 10**6)
    assert _seen(told) == {"stage": "bringing", "done": 19100, "total": 10**6, "rate": 1000.0}


def test_a_new_stage_starts_a_new_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = progress.Progress(str(tmp_path))
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    told.say("one", 0, 100)
    monkeypatch.setattr(time, "monotonic", lambda: 110.0)
    told.say("one", 50, 100)
    assert _seen(told)["rate"] == 5.0
    told.say("two", 50, 100)
    assert _seen(told) == {"stage": "two", "done": 50, "total": 100, "rate": 0.0}


def test_few_words_a_second_but_always_the_last(tmp_path: Path) -> None:
    told = progress.Progress(str(tmp_path))
    told.say("bringing", 0, 100)
    told.say("bringing", 50, 100)
    assert _seen(told)["done"] == 0
    told.say("bringing", 100, 100)
    assert _seen(told)["done"] == 100
    assert names(tmp_path) == ["progress.json"]


def test_a_full_disk_does_not_stop_a_job(full_disk: Path) -> None:
    told = progress.Progress(str(full_disk))
    fill(full_disk)
    told.say("swap back")
    assert progress.line(told.path) == ""
