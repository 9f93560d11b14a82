"""What a host is told to hash and to delete."""

import json
from typing import Any

import pytest

from roles import job
from roles.care import facts, operations, plan
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import Nouns

DELETE: dict[str, Any] = {"wanted": '{"keep": []}', "python": "/usr/bin/python3"}


def test_hash_all(nouns: Nouns) -> None:
    spec = nouns.chat()
    asked = {"name": "verify-weights", "script": "verify", "python": spec.python}
    assert told(operations.right_weights, spec, bare(), wanted=spec) == Told(
        commands=[lock_taken(), ("run", asked | {"plan": plan.hashed(spec)})]
    )


def test_nothing_to_hash(nouns: Nouns) -> None:
    spec = nouns.host()
    found = told(operations.right_weights, spec, bare(), wanted=spec)
    assert found == Told(noops=["no weights are wanted here"])


def test_delete(nouns: Nouns) -> None:
    spec = nouns.chat()
    taken, (name, given) = told(
        operations.pruned, spec, bare(), **DELETE, fault=None, count=3
    ).commands
    assert (taken, name) == (lock_taken(), "shown")
    assert isinstance(given, dict)
    assert given["command"].get_raw_value() == "/usr/bin/python3 - delete '{\"keep\": []}'"
    assert given["_stdin"] == job.program("prune")


@pytest.mark.parametrize("operation", ["told", "pruned"])
def test_nothing_to_delete(nouns: Nouns, operation: str) -> None:
    more: dict[str, Any] = DELETE if operation == "pruned" else {}
    found = told(getattr(operations, operation), nouns.chat(), bare(), fault=None, count=0, **more)
    assert found == Told(noops=["everything is needed"])


@pytest.mark.parametrize("operation", ["told", "pruned"])
def test_host_that_cannot_tell(nouns: Nouns, operation: str) -> None:
    """Nothing is deleted, and the run says that it failed."""
    more: dict[str, Any] = DELETE if operation == "pruned" else {}
    found = told(getattr(operations, operation), nouns.chat(), bare(), fault="why", count=0, **more)
    assert found == Told(commands=[("refuse", {"reason": "why"})])


def test_list_is_told(nouns: Nouns) -> None:
    found = told(operations.told, nouns.chat(), bare(), fault=None, count=2)
    assert found == Told(noops=["2 to delete with --data prune=yes"])


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (["Traceback", "no list"], "Traceback; no list"),
        ([], "nothing"),
        (["12"], "12"),
    ],
)
def test_answer_that_is_none(output: list[str], said: str) -> None:
    found = facts.Unneeded().process(output)
    assert found == {"count": 0, "lines": [], "fault": f"no answer of prune.py ({said})"}


def test_answer() -> None:
    answer = {"count": 1, "lines": ["stack"], "fault": None}
    assert facts.Unneeded().process(["warned", json.dumps(answer)]) == answer
    command = facts.Unneeded().command(python="/usr/bin/python3", plan="{}").get_raw_value()
    assert command == "/usr/bin/python3 - list '{}' || echo 'no list'"
