"""A row says what of a switch is the operator's and what the engine's; turns are compared alone."""

import pytest

from bench.serve.__main__ import ACTIVATE, RESTART, ROLLBACK, cells, later, parts, row
from bench.serve.site import Turn

RESTARTED = Turn(job_s=None, told_s=0.0, started_s=4.0, right_s=30.0, over_s=30.2)
BACK = Turn(job_s=2.0, told_s=2.25, started_s=6.0, right_s=32.0, over_s=37.0)


def turns() -> list[dict[str, Turn]]:
    """Return two turns, the second on a machine that has become slower."""
    slower = Turn(job_s=None, told_s=0.0, started_s=5.0, right_s=41.0, over_s=41.2)
    back = Turn(job_s=4.0, told_s=4.5, started_s=9.0, right_s=44.0, over_s=50.0)
    first = {RESTART: RESTARTED, ROLLBACK: BACK, ACTIVATE: BACK}
    return [first, {RESTART: slower, ROLLBACK: back, ACTIVATE: back}]


def test_parts() -> None:
    found = parts(BACK)
    assert found == {
        "wall_s": 32.0,
        "told_s": 2.25,
        "ends_s": 3.75,
        "start_s": 26.0,
        "over_s": 37.0,
    }
    assert found["told_s"] + found["ends_s"] + found["start_s"] == found["wall_s"]


def test_later_than_the_restart_of_its_own_turn() -> None:
    assert later(ROLLBACK, turns()) == [2.0, 3.0]
    assert later(RESTART, turns()) == [0.0, 0.0]


def test_row() -> None:
    found = row(ROLLBACK, turns())
    assert (found["tool"], found["run"], found["hosts"]) == ("metalserve", "rollback", 1)
    assert (found["wall_s"], found["later_s"]) == (38.0, 2.5)
    assert [turn["job_s"] for turn in found["turns"]] == [2.0, 4.0]
    assert row(RESTART, turns())["tool"] == "systemd"


@pytest.mark.parametrize(
    ("name", "last"), [(ROLLBACK, "2.5 (2.0–3.0)"), (RESTART, "")], ids=["rollback", "restart"]
)
def test_cells(name: str, last: str) -> None:
    found = cells(name, turns())
    assert found[-1] == last
    assert found[0] == ("38.0 (32.0–44.0)" if name == ROLLBACK else "35.5 (30.0–41.0)")
