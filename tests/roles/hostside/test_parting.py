"""Who stops a rank lets its head end first, and waits for that no longer than it has to."""

from pathlib import Path
from typing import Any

import durable
import parting
import places
import pytest
import ranks

from tests.roles.hostside.staged import UNIT, Host
from tests.roles.hostside.test_ranks import ACROSS, HEAD, RANK, Peers, peers

__all__ = ["peers"]

ABOUT = {"unit": UNIT, "across": ACROSS}
UP = {"invocation": "a1", "state": "active"}


@pytest.fixture
def rank(host: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> Host:
    """This host is a rank that has begun with its head."""
    host.stage("old", across=ACROSS)
    monkeypatch.setattr(ranks, "own", lambda address: address == RANK)
    monkeypatch.setattr(parting, "_LOOK_EVERY_S", 0.01)
    durable.link(f"{places.instance('chat')}/current", f"{places.releases('chat')}/old")
    Path(places.instance("chat"), "secrets").mkdir(exist_ok=True)
    Path(places.instance("chat"), "secrets/api-key").write_text("")
    host.systemd.obey(["systemctl", "start", UNIT])
    durable.write_json(places.bound("chat"), {HEAD: "a1"})
    host.systemd.calls.clear()
    return host


def _wait(host: Host, about: Any = ABOUT, within_s: float = 30) -> list[str]:
    host.said.clear()
    parting.wait("chat", about, "the host is being changed", within_s, host.said.append)
    return host.said


@pytest.mark.parametrize("over", [UP | {"invocation": "a2"}, UP | {"state": "auto-restart"}])
def test_head_that_ends(rank: Host, peers: Peers, over: Any) -> None:
    told: list[Any] = []

    def head() -> Any:
        told.append(ranks.told("chat")["parting"])
        return {} if len(told) == 1 else UP if len(told) == 2 else over

    peers.say[HEAD] = head
    said = _wait(rank)
    assert said[0] == f"waiting until the head on {HEAD} has ended, 75 s left"
    assert len(said) == 2
    start = f"{rank.systemd.units[UNIT].starts:032x}"
    assert told[0] == {"why": "the host is being changed", "within_s": 30, "invocation": start}
    # What was said of one start does not hold for the next.
    rank.systemd.units[UNIT].starts += 1
    assert ranks.told("chat")["parting"] is None


def test_head_that_does_not_end(rank: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its watch may be gone, or older than this."""
    monkeypatch.setattr(parting, "_HEARD_WITHIN_S", 0.05)
    peers.say[HEAD] = UP
    said = _wait(rank, within_s=0)
    assert said[-1] == f"the head on {HEAD} has not ended; it is ended all the same"


def test_nobody_waits_where_nobody_is_needed(
    rank: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> Any:
        raise AssertionError

    peers.say[HEAD] = never
    assert _wait(rank, {"unit": UNIT}) == []
    # It waits for the others itself.
    durable.write_json(places.bound("chat"), {})
    assert _wait(rank) == []
    durable.write_json(places.bound("chat"), {RANK: "b1"})
    monkeypatch.setattr(ranks, "own", lambda address: address == HEAD)
    assert _wait(rank) == []
    monkeypatch.setattr(ranks, "own", lambda address: False)
    assert _wait(rank) == []
