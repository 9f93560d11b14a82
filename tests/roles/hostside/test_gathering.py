"""The head takes offers, and ends a change as soon as it knows that a host does not follow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import durable
import gathering
import places
import pytest
import ranks

from tests.roles.hostside.staged import UNIT, Host
from tests.roles.hostside.test_follow import both, quick
from tests.roles.hostside.test_ranks import ACROSS, HEAD, RANK, Peers, peers

__all__ = ["both", "peers", "quick"]


def _offer(release: str = "new", **fields: Any) -> dict[str, Any]:
    last = {"release": release, "outcome": None, "why": "", "steps": ["begin", "offer"]}
    last |= {"group": {"id": "f00", "head": HEAD}} | fields
    return {"release": "old", "at_work": True, "transaction": last}


def _following(*rows: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    left = list(rows)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_head_takes_offers(both: Host, peers: Peers) -> None:
    peers.say[RANK] = _following({}, _offer())
    assert both.activate("new")["ok"]
    assert both.serves == "new"
    assert both.record["group"] == {"offers": {RANK: "f00"}}
    assert both.said[0] == f"waiting for the other hosts: {RANK} does not answer"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "does not answer"),
        (_offer("other"), "goes to other"),
        (_offer(outcome="rolled back"), "does not"),
        # Of a job that was killed; it is asked for its end first.
        ({**_offer(), "at_work": False}, "does not"),
        (_offer(steps=["begin", "offer", "settle"]), "does not"),
    ],
)
def test_host_that_does_not_follow(both: Host, peers: Peers, said: Any, why: str) -> None:
    peers.say[RANK] = said
    with pytest.raises(gathering.GatherError) as caught:
        both.activate("new")
    told = f"not every host of it follows to new within 0 s: {RANK} {why}"
    assert str(caught.value) == told
    assert both.record is None


@pytest.mark.parametrize(
    ("said", "why", "bad"),
    [
        (
            _offer(outcome="rolled back", why="its rank here ended", steps=["mark bad"]),
            f"{RANK} no longer follows: its rank here ended",
            ["new"],
        ),
        (_offer(group={"id": "f01"}), f"{RANK} no longer follows: it has begun anew", []),
        ({}, f"{RANK} does not answer any more", []),
    ],
)
def test_host_that_is_gone(both: Host, peers: Peers, said: Any, why: str, bad: list[str]) -> None:
    """Nothing is committed that not every host follows to."""
    peers.say[RANK] = _offer("old")
    both.serving("old")
    peers.say[RANK] = _following(_offer(), said)
    failed = both.activate("new")
    assert f"new failed: {why}" in failed["summary"]
    assert (both.serves, both.record["outcome"]) == ("old", "rolled back")
    assert list(both.bad) == bad
    assert Path(places.transaction("chat")).exists()
    assert both.systemd.active(UNIT)
    assert durable.read_json(places.transaction("chat"))["group"] == {"offers": {RANK: "f00"}}


SETTLING = ["begin", "offer", "swap", "restart", "settle"]


@pytest.mark.parametrize(
    ("said", "cut"),
    [
        (_offer(), ""),
        # In the middle of its swap.
        (_offer(steps=["begin", "offer", "swap"]), ""),
        (_offer(steps=["begin", "offer", "swap", "restart"]), "and is on old again"),
        (_offer(steps=["begin", "offer", "settle"]), "and is on old again"),
        (_offer(steps=SETTLING) | {"release": None}, "and is on no release again"),
        (_offer(steps=SETTLING) | {"release": "new", "state": "active"}, ""),
        (
            _offer(steps=SETTLING) | {"release": "new", "state": "inactive"},
            "and starts nothing before this host has decided",
        ),
    ],
)
def test_host_that_was_cut_short(both: Host, peers: Peers, said: Any, cut: str) -> None:
    """Its offer holds, and it will not begin what the head waits for."""
    peers.say[RANK] = said
    group = ranks.of("chat", {"across": ACROSS})
    assert group is not None
    why, blamed = gathering.gone(ranks.Heard(group), {RANK: "f00"}, "new")
    assert why == (cut and f"{RANK} no longer follows: it was cut short, {cut}")
    assert not blamed


def test_host_that_is_lost_in_the_middle_of_a_start(
    both: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head waits for it neither forward nor back as long as a start may take."""
    peers.say[RANK] = _offer("old")
    both.serving("old")
    monkeypatch.setattr(ranks, "SILENT_S", 0.2)
    # Each waits for the others, as rank.py does.
    both.misbehave("new", starts_in_s=1)
    both.misbehave("old", starts_in_s=1)
    lost: list[str] = []
    both.systemd.on_call = lambda said: (
        lost.append(said) if said.startswith("systemctl st") else None
    )
    peers.say[RANK] = lambda: {} if lost else _offer()
    durable.write_json(places.waits("chat"), {"for": f"{RANK} does not say how far it is"})
    failed = both.activate("new")
    first, then, state = failed["summary"].splitlines()
    assert first.startswith(f"new failed: {RANK} has said nothing for ")
    assert then == "  it does as this host did, once it is back"
    assert state.startswith(
        f"state: old is current again and begins once all of its hosts are there ({RANK} has said "
    )
    assert both.record["outcome"] == "waits for its hosts"
    assert both.state["current"] == "old"
    assert both.bad == {}
    waits = f", waiting to begin together: {RANK} does not say how far it is"
    assert f"starting: 0 s{waits}" in both.said
    assert f"starting old again: 0 s{waits}" in both.said
    # It begins by itself when the rank is there.
    assert both.systemd.calls[-1] == f"systemctl start --no-block {UNIT}"


def test_rank_hears_why_before_the_head_is_back(both: Host, peers: Peers) -> None:
    peers.say[RANK] = _offer("old")
    both.serving("old")
    both.misbehave("new", answers={})
    heard: list[Any] = []

    def look(said: str) -> None:
        if both.steps[-1] == "swap back":
            heard.append(ranks._journal(both.record)["why"])

    both.systemd.on_call = look
    peers.say[RANK] = _offer()
    assert not both.activate("new")["ok"]
    assert heard[0] == "new failed: 1 of 1 answers wrong"
