"""One run at a time changes a host."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boot
import durable
import lock
import places
import pytest


def _owner(run: str, *, take_over: str | None = None, who: str = "ann@desk") -> dict[str, Any]:
    return {
        "run": run, "who": who, "machine": "boot-1", "pid": 7, "started": 70, "break": take_over,
    }  # fmt: skip


def test_lock_is_taken_shown_and_given_back(tree: Path) -> None:
    assert lock.owner() is None
    assert lock.take(_owner("r1")) == ""
    held = lock.owner()
    assert abs(time.time() - held.pop("since")) < 5
    kept = _owner("r1")
    del kept["break"]
    assert held.pop("up")["boot_id"] == boot.boot_id()
    assert held == kept
    lock.release(_owner("r1"))
    assert lock.owner() is None
    lock.release(_owner("r1"))


@pytest.mark.parametrize("text", ["", '{"run": "r1", "wh', "[]", '{"run": "r1"}'])
def test_lock_that_names_nobody_is_free(text: str, tree: Path) -> None:
    Path(places.lock()).parent.mkdir(parents=True, exist_ok=True)
    Path(places.lock()).write_text(text)
    assert lock.owner() is None
    assert lock.take(_owner("r2")) == ""
    assert lock.owner()["run"] == "r2"


def test_giving_back_what_is_gone_leaves_nothing(tree: Path) -> None:
    """Of a host that was decommissioned, nothing is made again."""
    lock.release(_owner("r1"))
    assert list(Path(places.STATE).iterdir()) == []


def test_second_owner_is_told_who_since_when_and_which_run(tree: Path) -> None:
    lock.take(_owner("r1"))
    held = durable.read_json(places.lock())
    held["since"] = time.time() - 600
    held["up"]["s"] -= 600
    durable.write_json(places.lock(), held)
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held["since"]))
    with pytest.raises(SystemExit) as refused:
        lock.take(_owner("r2", who="bob@laptop"))
    assert str(refused.value) == (
        f"this host is locked by ann@desk (run r1) since {since}, 10 min ago; nothing was changed. "
        "Wait for that run; if it is dead, run again with --data break_lock=r1"
    )
    assert lock.owner()["run"] == "r1"


@pytest.mark.parametrize("up", [{}, {"boot_id": "another", "s": 0}])
def test_age_of_a_lock_of_another_boot(up: dict[str, Any]) -> None:
    """It is told by the clock, for want of anything better."""
    held = {**_owner("r1"), "since": time.time() - 3600, "up": up}
    assert lock.describe(held).endswith(", 60 min ago")


@pytest.mark.parametrize("jump_s", [86400, -86400])
def test_age_does_not_jump_with_the_clock(tree: Path, jump_s: int) -> None:
    lock.take(_owner("r1"))
    held = lock.owner()
    held["since"] -= jump_s
    held["up"]["s"] -= 60
    assert lock.describe(held).endswith(", 60 s ago")


def test_same_run_takes_it_again(tree: Path) -> None:
    lock.take(_owner("r1"))
    assert lock.take(_owner("r1")) == ""


def test_lock_of_the_named_run_is_taken_over(tree: Path) -> None:
    lock.take(_owner("r1"))
    said = lock.take(_owner("r2", take_over="r1"))
    assert said.startswith("took over the lock of ann@desk (run r1) since 2")
    assert lock.owner()["run"] == "r2"


def test_lock_of_another_run_than_the_named_one_is_not(tree: Path) -> None:
    lock.take(_owner("r1"))
    with pytest.raises(SystemExit, match=r"locked by ann@desk \(run r1\)"):
        lock.take(_owner("r3", take_over="r2"))


def test_a_run_gives_back_its_own_lock_alone(tree: Path) -> None:
    lock.take(_owner("r1"))
    lock.take(_owner("r2", take_over="r1"))
    lock.release(_owner("r1"))
    assert lock.owner()["run"] == "r2"


def test_lock_that_a_power_loss_emptied_is_free(tree: Path) -> None:
    Path(places.lock()).write_text("")
    assert lock.take(_owner("r1")) == ""


def test_clock_that_went_back_gives_no_negative_age(tree: Path) -> None:
    held = {**_owner("r1"), "since": time.time() + 1000}
    assert lock.describe(held).endswith(", 0 s ago")


def test_of_many_that_take_it_at_once_one_wins(installed: Path) -> None:
    asked = [
        subprocess.Popen(
            [sys.executable, "-SE", f"{installed}/lock.py", "take", json.dumps(_owner(f"r{n}"))],
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(6)
    ]
    said = [one.communicate()[1] for one in asked]
    codes = [one.returncode for one in asked]
    assert sorted(codes) == [0, 1, 1, 1, 1, 1]
    winner = f"r{codes.index(0)}"
    assert durable.read_json(places.lock())["run"] == winner
    assert all(f"(run {winner})" in words for words, code in zip(said, codes, strict=True) if code)


def test_script_shows_who_holds_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["show"], ["take", json.dumps(_owner("r1"))], ["show"]):
        monkeypatch.setattr("sys.argv", ["lock.py", *words])
        lock.main()
    free, held = capsys.readouterr().out.splitlines()
    assert free == "free"
    assert held.startswith("ann@desk (run r1) since ")
    monkeypatch.setattr("sys.argv", ["lock.py", "release", json.dumps(_owner("r1"))])
    lock.main()
    assert lock.owner() is None
