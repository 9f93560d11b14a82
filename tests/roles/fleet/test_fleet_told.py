"""What an operator is told of a plan before anything is changed."""

import pytest

from roles.fleet import plan, told
from roles.spec import Fleet
from tests.roles.fleet.test_fleet_plan import Hosts
from tests.roles.spec.nouns import Nouns


@pytest.fixture
def hosts(nouns: Nouns) -> Hosts:
    return Hosts(nouns)


def _shown(made: plan.Plan, capsys: pytest.CaptureFixture[str]) -> str:
    told.show(made)
    return capsys.readouterr().err


def test_what_is_left_of_a_change_is_a_plan(
    hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    members = [hosts.done("gpu-1"), hosts.one("gpu-2"), hosts.one("gpu-3")]
    made = plan.made(members, Fleet(shares=(100,)))
    assert len(made.waves) == 1
    said = _shown(made, capsys)
    assert "│ gpu-2, gpu-3 │ chat old │ chat new │" in said
    assert "1 host(s) have it already" in said


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_of_it_is_seen(
    count: int, hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    """On one host, or with nothing to do."""
    members = hosts.many(count) or [hosts.done("gpu-1"), hosts.done("gpu-2")]
    assert _shown(plan.made(members, Fleet()), capsys) == ""


def test_release_that_failed_before(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    member = hosts.one("gpu-1", moves=(hosts.move(failed="new failed: 1 of 3 answers wrong"),))
    said = _shown(plan.made([member], Fleet()), capsys)
    assert said == "    new is tried again on gpu-1: new failed: 1 of 3 answers wrong\n"


def test_same_release_again(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    members = [hosts.one(f"gpu-{n}", moves=(hosts.move(serving="new"),)) for n in range(2)]
    assert "│ chat new │ chat new, again │" in _shown(plan.made(members, Fleet()), capsys)


def test_another_secret_is_told_in_any_case(
    hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    member = hosts.one("gpu-1", moves=(hosts.move(renewed=True),))
    assert _shown(plan.made([member], Fleet()), capsys) == (
        "    another secret comes to gpu-1/chat: clients that show the one before get 401 from its "
        "restart on\n"
    )
