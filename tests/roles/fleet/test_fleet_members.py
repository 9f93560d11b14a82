"""What a run knows of hosts that serve together, and what becomes of them in waves."""

import pytest

from roles.fleet import members
from roles.fleet.members import Towards
from tests.roles.faked import bare
from tests.roles.grouped import HEAD, RANK, run, wanted
from tests.roles.spec.nouns import Nouns


def test_hosts_that_serve_together_are_one(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """One instance that one of them answers for, and one wave, in which the other follows."""
    monkeypatch.setenv("METALSERVE_API_KEY", "sesame-sesame-sesame")
    with run(wanted(nouns), bare(), bare()) as hosts:
        plan = members.rollout(hosts[RANK], Towards.FORWARD).plan
    assert plan.instances == {"qwen3-8b": 1}
    assert [wave.hosts for wave in plan.waves] == [(HEAD, RANK)]
    assert plan.unit(RANK) == {HEAD, RANK}
    made = {name: [move.script for move in one.moves] for name, one in plan.members.items()}
    assert made == {HEAD: ["activate"], RANK: ["follow"]}


def test_one_of_them_alone_is_refused(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALSERVE_API_KEY", "sesame-sesame-sesame")
    with run(wanted(nouns), bare(), bare(), RANK) as hosts:
        plan = members.rollout(hosts[HEAD], Towards.FORWARD).plan
    assert plan.waves == ()
    assert f"chat is served together with {RANK}, not in this run" in plan.members[HEAD].refused
