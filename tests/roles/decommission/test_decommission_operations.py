"""What a host is told that is to go."""

import json
import shlex
from typing import Any

import pytest

from roles import job, lock
from roles.decommission import asked, facts, operations
from roles.spec import HostSpec
from tests.roles.faked import Told, bare, lock_taken, on_host, told
from tests.roles.spec.nouns import Nouns

PYTHON = "/usr/bin/python3"


def _looked(spec: HostSpec, fault: str | None = None, **changed: Any) -> Told:
    return told(
        operations.dispensable_host, spec, bare() | changed,
        onto=spec, plan=asked.plan(spec, {}), fault=fault,
    )  # fmt: skip


def test_host_that_may_go(nouns: Nouns) -> None:
    """Its own job does not keep it: a second run attaches to that."""
    right = Told(noops=["nobody is at work here"])
    assert _looked(nouns.chat()) == _looked(nouns.chat(), jobs=["decommission"]) == right


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"jobs": ["decommission", "weights-qwen"]},
            "the job weights-qwen is at work; nothing was changed; wait for it "
            "(journalctl -fu metalserve-job-weights-qwen) and run again",
        ),
        ({"fault": "no list"}, "no list; nothing was changed"),
    ],
)
def test_host_that_may_not_go(nouns: Nouns, changed: dict[str, Any], reason: str) -> None:
    assert _looked(nouns.chat(), **changed) == Told(commands=[("refuse", {"reason": reason})])


def test_part_that_is_wanted(nouns: Nouns) -> None:
    spec = nouns.chat()
    plan = asked.plan(spec, {"instance": "chat"})
    found = told(operations.dispensable_host, spec, bare(), onto=spec, plan=plan, fault=None)
    reason = asked.still_wanted(spec, plan)
    assert found == Told(commands=[("refuse", {"reason": reason})])


def test_whole_host(nouns: Nouns, echoed: list[str]) -> None:
    spec = nouns.chat()
    plan = asked.plan(spec, {})
    with on_host(spec, bare()) as host:
        taken, ran, (name, last), (_, after) = told(
            operations.removed_host, spec, bare(), host=host, plan=plan, python=PYTHON
        ).commands
        assert isinstance(after, dict)
        assert operations._next(host.state, host, gateways=["gw-1", "gw-2"])
    asked_of = {"name": "decommission", "script": "decommission", "python": PYTHON, "plan": plan}
    assert (taken, ran) == (lock_taken(), ("run", asked_of))
    # By a program that comes with it: what lies on the host is deleted by it.
    assert isinstance(last, dict)
    given = json.dumps(plan | {"run": lock.owner()["run"]})
    command = last["command"].get_raw_value()
    assert (name, command) == ("shown", f"{PYTHON} - finish {shlex.quote(given)}")
    assert last["_stdin"] == job.program("decommission")
    assert after == {"gateways": []}
    assert echoed[-1].endswith(
        "take @fake/gpu-1 out of the inventory, then have its gateways forget it: "
        "deploy/gateway.py --limit gw-1 --limit gw-2"
    )


def test_part(nouns: Nouns) -> None:
    spec = nouns.host()
    plan = asked.plan(spec, {"part": "agent"})
    found = told(operations.removed_part, spec, bare(), plan=plan, python=PYTHON)
    given = {"name": "decommission", "script": "decommission", "python": PYTHON, "plan": plan}
    assert found == Told(commands=[lock_taken(), ("run", given)])


def test_nothing_there(nouns: Nouns) -> None:
    assert told(operations.gone, nouns.host(), bare()) == Told(noops=["nothing of it is here"])


def test_list() -> None:
    answer = {"things": [["user", "metalserve-chat"]], "stays": [], "fault": None}
    assert facts.Remains().process(["warned", json.dumps(answer)]) == answer
    said = facts.Remains().process(["Traceback", "no list"])
    assert said == {
        "things": [], "stays": [], "fault": "no answer of decommission.py (Traceback; no list)",
    }  # fmt: skip
    command = facts.Remains().command(python=PYTHON, plan="{}").get_raw_value()
    assert command == "/usr/bin/python3 - list '{}' || echo 'no list'"
