"""Waves as pyinfra goes through them, told to hosts that are not there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_plan import Ran, _pyinfra

FLEET = "tests/deploy/waves.py"
_NEW = r"vllm-0\.32-cpu-[0-9a-f]{12}"
_WORK = ["take", "jobs activate-chat activate", "release"]


def _run(group: str, *words: str, deploy: str = "activate") -> Ran:
    return _pyinfra(*words, "--debug", "--limit", group, FLEET, f"deploy/{deploy}.py")


def _results(ran: Ran) -> dict[str, Any]:
    """Return what each host came to, by the end of its name."""
    hosts = ran.report["hosts"].items()
    return {re.sub(r"\D+", "", name): one for name, one in hosts}


def _each(ran: Ran, key: str) -> list[Any]:
    return [one[key] for _, one in sorted(_results(ran).items())]


def test_planned(tmp_path: Path) -> None:
    """Told before anything is changed, to people and to programs."""
    file = tmp_path / "plan.json"
    ran = _run("fine", "--dry", "--data", f"plan={file}")
    assert ran.code == 0, ran.said
    plan = json.loads(file.read_text())
    (new,) = {move["to"] for wave in plan["waves"] for (move,) in wave["hosts"].values()}
    move = [{"instance": "chat", "from": "vllm-0.32-cpu-000000000000", "to": new}]
    assert [(wave["title"], wave["hosts"]) for wave in plan["waves"]] == [
        ("canary", {"@fake/fine1": move}),
        ("to 50 %", {"@fake/fine2": move}),
        ("the rest", {"@fake/fine3": move, "@fake/fine4": move}),
    ]
    assert (plan["instances"], plan["have_to_serve"]) == ({"canary": 4}, {"canary": 2})
    changes = [(step["name"], step["hosts_with_change"]) for step in ran.json["plan"]]
    assert [(name.partition(": ")[0], who) for name, who in changes] == [
        ("Activate | Look for instances that no spec wants", []),
        ("Activate | Activate wave 1 of 3, canary", ["@fake/fine1"]),
        ("Activate | Activate wave 2 of 3, to 50 %", ["@fake/fine2"]),
        ("Activate | Activate wave 3 of 3, the rest", ["@fake/fine3", "@fake/fine4"]),
        ("Activate | Judge the waves", []),
    ]
    assert re.search(rf"\b3\b.*the rest.*@fake/fine3, @fake/fine4.*chat {_NEW}", ran.said)
    assert not any(ran.changes(f"fine{n}") for n in range(1, 5))


@pytest.mark.parametrize("words", [(), ("--parallel", "1"), ("--serial",)], ids=" ".join)
def test_well(words: tuple[str, ...]) -> None:
    """Each host is asked once, and told one thing; in whatever order pyinfra takes them."""
    ran = _run("fine", "-y", *words)
    assert ran.code == 0, ran.said
    for number in range(1, 5):
        assert ran.changes(f"fine{number}") == _WORK
    assert _each(ran, "result") == ["done"] * 4
    assert _each(ran, "wave") == [
        *("1 of 3, canary", "2 of 3, to 50 %", "3 of 3, the rest", "3 of 3, the rest"),
    ]


@pytest.mark.parametrize("words", [(), ("--fail-percent", "0")], ids=" ".join)
def test_stopped_at_the_canary(words: tuple[str, ...]) -> None:
    """The others are not even locked."""
    ran = _run("bad", "-y", *words)
    assert ran.code == 1
    assert ran.changes("bad1") == _WORK
    assert [ran.changes(f"bad{n}") for n in (2, 3, 4)] == [[]] * 3
    why = (
        rf"1 host failed \(@fake/bad1: in wave 1, chat did not come to {_NEW}, and what served "
        r"before serves\), the budget is 0; nothing was changed here; look there first, then run "
        "again"
    )
    assert len(re.findall(f"not begun: {why}", ran.said)) >= 3
    assert _each(ran, "result") == ["failed", *["not begun"] * 3]
    assert _each(ran, "why")[0] is None
    assert all(re.fullmatch(why, told) for told in _each(ran, "why")[1:])
    assert ran.report["outcome"] == "failed"


def test_goes_back() -> None:
    """The first was well; then the second was not, and the fleet wants none of it."""
    ran = _run("back", "-y")
    assert ran.code == 1
    assert ran.changes("back1") == [*_WORK[:2], *_WORK[1:]]
    assert ran.changes("back2") == _WORK
    assert [ran.changes(f"back{n}") for n in (3, 4)] == [[], []]
    names = [step["name"] for step in _results(ran)["1"]["steps"] if step["result"] == "done"]
    assert names[-1] == "Go back if the rest was refused"
    assert ran.json["results"]["failed_hosts"] == ["@fake/back2", "@fake/back3", "@fake/back4"]


def test_floor_that_cannot_be_kept() -> None:
    ran = _run("tight", "-y")
    assert ran.code == 1
    why = "3 of 4 instances serve canary, and 3 have to at any time, so that none may be taken out"
    assert f"@fake/tight2 cannot be begun: {why}" in ran.said
    assert not any(ran.changes(f"tight{n}") for n in range(1, 5))


def test_left_alone_and_paused() -> None:
    """Neither is a failure."""
    ran = _run("out", "-y", "--data", "until=canary")
    assert ran.code == 0, ran.said
    assert "@fake/out1 is left alone: chat is out of rotation: a fan is loud" in ran.said
    assert "paused before wave 2 of 2, as you asked; run again to go on" in ran.said
    assert [ran.changes(f"out{n}") for n in range(1, 5)] == [[], _WORK, [], []]
    assert _each(ran, "result") == ["unchanged", "done", "not begun", "not begun"]


def test_wrong_words() -> None:
    ran = _run("fine", "-y", "--data", "until=lunch")
    assert ran.code == 1
    assert "until: 'lunch', canary and the number of a wave are right" in ran.said


def test_two_fleets() -> None:
    ran = _pyinfra("-y", "--limit", "fine", "--limit", "back", FLEET, "deploy/activate.py")
    assert ran.code == 1
    assert "the hosts of this run are of two fleets; call inventory(…, fleet=…) once" in ran.said


def test_rollback_in_waves() -> None:
    ran = _run("served", "-y", deploy="rollback")
    assert ran.code == 0, ran.said
    assert _each(ran, "wave") == ["1 of 2, canary", *["2 of 2, the rest"] * 3]
    assert [ran.changes(f"served{n}") for n in range(1, 5)] == [_WORK] * 4
