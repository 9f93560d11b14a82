"""What a host is told that is taken out of rotation, or let in again."""

import json
import shlex
from typing import Any

import pytest

from roles import job, lock
from roles.quarantine import operations
from tests.roles.faked import Told, bare, seen, told
from tests.roles.spec.nouns import Nouns

PYTHON = "/usr/bin/python3"
WHY = "a fan is loud"


def _found(**out: list[str]) -> dict[str, Any]:
    return bare() | {"instances": {name: seen(out=why) for name, why in out.items()}}


def _command(verb: str, **more: str) -> str:
    given = json.dumps({**more, "who": lock.owner()["who"]})
    return f"{PYTHON} - {verb} {shlex.quote(given)}"


def _asked(said: Told) -> str:
    ((name, given),) = said.commands
    assert (name, isinstance(given, dict)) == ("shown", True)
    assert isinstance(given, dict)
    assert given["_stdin"] == job.program("quarantine")
    return str(given["command"].get_raw_value())


@pytest.mark.parametrize("out", [[], ["the rack is moved"]])
def test_begin(nouns: Nouns, out: list[str]) -> None:
    """Without the deploy lock: whoever is at work there is not waited for."""
    found = _found(chat=[WHY], draw=out)
    said = told(operations.quarantined_host, nouns.chat(), found, why=WHY, python=PYTHON)
    assert _asked(said) == _command("begin", why=WHY)


def test_begun_already(nouns: Nouns) -> None:
    found = _found(chat=[WHY], draw=[WHY])
    said = told(operations.quarantined_host, nouns.chat(), found, why=WHY, python=PYTHON)
    assert said == Told(noops=["chat, draw: in quarantine already (a fan is loud)"])


def test_nothing_to_take_out(nouns: Nouns) -> None:
    said = told(operations.quarantined_host, nouns.chat(), bare(), why=WHY, python=PYTHON)
    reason = "there is no instance here to take out of rotation"
    assert said == Told(commands=[("refuse", {"reason": reason})])


def test_end(nouns: Nouns) -> None:
    said = told(operations.free_host, nouns.chat(), _found(chat=[], draw=[WHY]), python=PYTHON)
    assert _asked(said) == _command("end")
    said = told(operations.free_host, nouns.chat(), _found(chat=[]), python=PYTHON)
    assert said == Told(noops=["nothing is in quarantine here"])


@pytest.mark.parametrize("operation", ["quarantined_host", "free_host"])
def test_host_that_does_not_tell(nouns: Nouns, operation: str) -> None:
    more: dict[str, Any] = {"why": WHY} if operation == "quarantined_host" else {}
    found = bare() | {"instances": None, "faults": {"instances": "OSError: no disk"}}
    said = told(getattr(operations, operation), nouns.chat(), found, python=PYTHON, **more)
    reason = "what is here is not known: {'instances': 'OSError: no disk'}"
    assert said == Told(commands=[("refuse", {"reason": reason})])
