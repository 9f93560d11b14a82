"""What earlier runs tell: the history, and how each instance answered."""

from pathlib import Path
from typing import Any

import pytest

from roles import lock
from roles.report import kept
from roles.status import runs
from roles.status.state import State
from tests.roles.status import fleets


def _listed() -> list[dict[str, Any]]:
    return [fleets.well("one"), fleets.well("two")]


def test_history() -> None:
    listed = _listed()
    row, refused = runs.history([fleets.upgrade(listed), fleets.refused(listed)])
    assert (row["outcome"], row["who"], row["deploys"]) == (
        "failed", "night@control-1", ["deploy/main.py"],
    )  # fmt: skip
    assert (row["commit"][:7], row["changed"], row["seconds"]) == ("fbe5db9", True, 840.0)
    assert row["results"] == {"failed": 1, "done": 1}
    (failure,) = row["failures"]
    assert (failure["host"], failure["seconds"]) == ("one", 184.2)
    assert failure["step"] == "Activate chat vllm-0.33.0-1c0ffee1c0ff"
    assert failure["said"][:4] == fleets.DIAGNOSIS
    assert refused["results"] == {"not begun": 1, "refused": 1}
    assert refused["failures"][0]["step"] == "Preflight"
    assert "8000 is held by nginx.service (pid 1)" in refused["failures"][0]["said"][0]


def test_step_that_said_nothing_is_told_by_its_answers() -> None:
    """The answers of a check are a table on the screen."""
    report = fleets.check(_listed())
    report["hosts"]["one"]["steps"] = [
        {"name": "Ask chat", "result": "failed", "seconds": 1.0, "said": []}
    ]
    ((failure,),) = [row["failures"] for row in runs.history([report])]
    assert failure["said"] == [f"image-1 (image): answered {fleets.BREAKS_OUT!r}, expected 'cross'"]


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, "at work"),
        ({"started": 1}, "killed"),
        ({"machine": "another"}, "no end known"),
    ],
)
def test_run_without_an_end(changed: dict[str, Any], outcome: str) -> None:
    (row,) = runs.history([fleets.unfinished([]) | lock.owner() | changed])
    assert row["outcome"] == outcome


def test_host_that_was_not_reached() -> None:
    report = fleets.check(_listed())
    report["hosts"]["one"] = {"result": "unreached", "why": "timed out"}
    ((failure,),) = [row["failures"] for row in runs.history([report])]
    assert (failure["host"], failure["step"], failure["said"]) == ("one", "Connect", ["timed out"])


def test_newest_answers_of_an_instance_count() -> None:
    listed = _listed()
    older = fleets.check(listed) | {"began": "2026-11-25T00:00:00Z"}
    newer = fleets.check(listed)
    newer["hosts"] = {"one": newer["hosts"]["two"]}
    runs.add_answers(listed, [newer, older])
    one, two = (host["instances"][0] for host in listed)
    assert (one["checks"]["right"], one["checks"]["of"], one["state"]) == (3, 3, State.WELL)
    assert (one["checks"]["median_s"], one["checks"]["slowest_s"]) == (0.21, 0.21)
    assert one["checks"]["first_token_s"] == 0.06
    assert two["checks"]["asked"] == "2026-11-26T02:00:04Z"


def test_wrong_answers_are_trouble() -> None:
    listed = _listed()
    runs.add_answers(listed, [fleets.check(listed)])
    assert listed[0]["state"] is State.WRONG
    assert listed[0]["instances"][0]["wrong"] == ["1 of 3 answers were wrong"]
    assert listed[1]["state"] is State.WELL


def test_answers_of_the_release_before_say_nothing_of_this_one() -> None:
    listed = _listed()
    before = fleets.check(listed) | {"ended": "2026-11-24T20:00:00Z"}
    runs.add_answers(listed, [before])
    (one,) = listed[0]["instances"]
    assert one["checks"]["older"]
    assert (one["wrong"], one["state"]) == ([], State.WELL)


def test_of_a_folder(tmp_path: Path) -> None:
    kept.write(tmp_path, fleets.upgrade(_listed()))
    kept.write(tmp_path, fleets.check(_listed()))
    found = runs.of(tmp_path)
    assert [one["deploys"] for one in found] == [["deploy/check.py"], ["deploy/main.py"]]
