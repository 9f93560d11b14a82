"""What an operator may ask to go, and what is refused."""

from typing import Any

import pytest
from pyinfra.api import DeployError

from roles import lock
from roles.decommission import asked
from roles.spec import Agent
from tests.roles.spec.nouns import Nouns


def test_whole_host(nouns: Nouns) -> None:
    """Weights and the audit log stay unless somebody says otherwise."""
    spec = nouns.chat(drain_within_s=30)
    assert asked.plan(spec, {}) == {
        "name": "this host",
        "instance": None,
        "part": None,
        "drains": {"chat": 30},
        "longest_s": 30,
        "weights_root": "/srv/metalserve/weights",
        "erase": [],
        "who": lock.owner()["who"],
    }
    told = {"weights": "erase", "audit": "erase", "reports": "DIR"}
    assert asked.plan(nouns.host(), told)["erase"] == ["weights", "audit"]
    assert asked.plan(nouns.host(), {"weights": "keep"})["erase"] == []


def test_part(nouns: Nouns) -> None:
    found = asked.plan(nouns.host(), {"instance": "chat"})
    assert (found["name"], found["instance"], found["part"]) == ("chat", "chat", None)
    assert found["longest_s"] == 120
    found = asked.plan(nouns.host(), {"part": "agent"})
    assert (found["name"], found["instance"], found["part"]) == ("agent", None, "agent")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"weights": "gone"}, "weights: 'gone', keep and erase are right"),
        ({"audit": 7}, "audit: '7', keep and erase are right"),
        ({"part": "disk"}, "part: 'disk', agent and gateway are right"),
        ({"part": ""}, "part: '', agent and gateway are right"),
        ({"instance": ""}, "instance: '', the name of an instance is right"),
        ({"instance": "../jobs"}, "instance: '../jobs', the name of an instance is right"),
        (
            {"part": "agent", "instance": "chat"},
            "instance and part: were given together, one at a time is right",
        ),
        (
            {"instance": "chat", "weights": "erase"},
            "weights: goes with a whole host, and stays when chat goes alone",
        ),
    ],
)
def test_wrong_words(nouns: Nouns, told: dict[str, Any], said: str) -> None:
    with pytest.raises(DeployError) as refused:
        asked.plan(nouns.host(), told)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("told", "name"), [({"instance": "chat"}, "instance chat"), ({"part": "agent"}, "agent")]
)
def test_part_that_the_next_run_would_bring_again(
    nouns: Nouns, told: dict[str, Any], name: str
) -> None:
    spec = nouns.host(nouns.instance(), agent=Agent())
    assert asked.still_wanted(spec, asked.plan(spec, told)) == (
        f"{name} is in the inventory, so that the next run would bring it again; take it out there "
        "first; nothing was changed"
    )
    assert asked.still_wanted(nouns.host(), asked.plan(spec, told)) is None


def test_host_may_go_while_it_is_wanted(nouns: Nouns) -> None:
    """It cannot be reached once the inventory does not name it."""
    spec = nouns.chat()
    assert asked.still_wanted(spec, asked.plan(spec, {})) is None
