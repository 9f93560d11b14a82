"""Hosts that serve one instance together: what each tells, and what the others make of it."""

import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import agent
import connections
import durable
import gathering
import places
import pytest
import rank
import ranks
import ready
import rotation

from tests.roles.hostside.staged import Host
from tests.standins.ports import free_port

HEAD, RANK = "127.0.0.1", "203.0.113.2"
ACROSS = {"addresses": [HEAD, RANK], "agent": 29651, "port": 29501}


class Peers:
    """What the other hosts say, by their addresses; nothing unless given."""

    def __init__(self) -> None:
        self.say: dict[str, Any] = {}

    def ask(self, group: ranks.Group, address: str) -> Any:
        said = self.say.get(address, {})
        return said() if callable(said) else said


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Peers:
    """The other hosts."""
    found = Peers()
    monkeypatch.setattr(ranks, "own", lambda address: address == HEAD)
    monkeypatch.setattr(ranks.Group, "ask", lambda group, address: found.ask(group, address))
    for module in (gathering, rank):
        monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(rank, "_WATCH_EVERY_S", 0.01)
    return found


def _head() -> ranks.Group:
    return ranks.Group("chat", ACROSS)


def _rank(monkeypatch: pytest.MonkeyPatch) -> ranks.Group:
    monkeypatch.setattr(ranks, "own", lambda address: address == RANK)
    return ranks.Group("chat", ACROSS)


def test_which_one_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (_head().rank, _head().others) == (0, [RANK])
    assert (_rank(monkeypatch).rank, _rank(monkeypatch).others) == (1, [HEAD])


def test_own_address() -> None:
    assert ranks.own("127.0.0.1")
    assert not ranks.own(RANK)
    assert not ranks.own("2001:db8::1")


def test_host_without_its_address() -> None:
    told = "this host has none of the addresses 203.0.113.1, 203.0.113.2, and should have one"
    with pytest.raises(OSError, match=told):
        ranks.Group("chat", ACROSS | {"addresses": ["203.0.113.1", RANK]})


def test_interface() -> None:
    assert ranks.interface(HEAD) == "lo"
    with pytest.raises(OSError, match=r"does not say which interface has 203\.0\.113\.2"):
        ranks.interface(RANK)


def test_connected_to_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HEAD, 0)) as listening:
        group = ranks.Group("chat", ACROSS | {"port": listening.getsockname()[1]})
        assert not ranks.connected(group)
        with socket.create_connection((HEAD, group.port)):
            assert ranks.connected(group)


def test_what_is_told(host: Host) -> None:
    host.serving("old")
    assert ranks.told("chat") == {}
    assert agent.ranked("chat") == "{}"
    assert agent.ranked("../chat") == "{}"
    host.stage("both", across=ACROSS)
    folder = Path(places.instance("chat"))
    durable.link(str(folder / "current"), f"{places.releases('chat')}/both")
    durable.write_json(places.bound("chat"), {RANK: "a1"})
    assert ranks.told("chat") == {
        "release": "both",
        "state": "active",
        "invocation": f"{1:032x}",
        "bound": {RANK: "a1"},
        "out": [],
        "parting": None,
        "transaction": None,
        "at_work": False,
    }


def test_what_is_asked_over_the_wire(host: Host) -> None:
    """A whole question and answer, as the other host's agent has it."""
    host.stage("both", across=ACROSS)
    durable.link(f"{places.instance('chat')}/current", f"{places.releases('chat')}/both")
    with socket.create_server((HEAD, 0)) as listening:
        server = agent.Agent(listening)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            there = ACROSS | {"agent": listening.getsockname()[1]}
            assert ranks.Group("chat", there).ask(HEAD)["release"] == "both"
            assert ranks.Group("draw", there).ask(HEAD) == {}
        finally:
            server.shutdown()
            thread.join()
    assert ranks.Group("chat", there).ask(HEAD) == {}


def _told(**fields: Any) -> dict[str, Any]:
    right = {"release": "new", "state": "activating", "invocation": "b1", "bound": {}}
    return right | fields


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ({}, "does not say how far it is (agent, port 29651)"),
        (_told(release="old"), "is on old, this host on new"),
        (_told(release=None), "is on no release, this host on new"),
        (_told(state="active"), "is active, not about to start"),
        (_told(state="auto-restart"), "is auto-restart, not about to start"),
        (_told(), "is about to start with an earlier start of this host"),
        (_told(bound={HEAD: "a0"}), "is about to start with an earlier start of this host"),
    ],
)
def test_head_waits_for_its_rank(peers: Peers, said: dict[str, Any], waits: str) -> None:
    spoken: list[str] = []

    def then() -> Any:
        # It is asked until nothing is left to wait for.
        return _told(bound={HEAD: "a1"}) if spoken else said

    peers.say[RANK] = then
    assert rank.gather(_head(), "new", "a1", spoken.append) == {RANK: "b1"}
    assert ranks.waiting("chat") == ""
    assert spoken == [f"waiting to begin together: {RANK} {waits}"]


def test_rank_waits_for_its_head(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that began with an earlier start of this host has to begin anew."""
    spoken: list[str] = []
    peers.say[HEAD] = lambda: _told(bound={} if spoken else {RANK: "b0"})
    assert rank.gather(_rank(monkeypatch), "new", "a1", spoken.append) == {HEAD: "b1"}
    assert spoken == [
        f"waiting to begin together: {HEAD} has started with the others, and starts again once it "
        "sees that this one is gone"
    ]


@pytest.mark.parametrize(
    "said", [_told(invocation="b2"), _told(state="failed"), _told(state="auto-restart")]
)
def test_start_that_is_over(peers: Peers, said: dict[str, Any]) -> None:
    heard = iter([_told(), _told(state="active"), said])
    peers.say[RANK] = lambda: next(heard)
    assert rank.lost(_head(), {RANK: "b1"}) == f"{RANK} has ended what it started with this host"


def test_host_that_is_silent(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "SILENT_S", 0.1)
    assert rank.lost(_head(), {RANK: "b1"}) == f"{RANK} has said nothing for 0 s"


def test_silent_since_it_was_first_asked_in_vain(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was not asked for a while is not lost by that."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    heard = ranks.Heard(_head())
    peers.say[RANK] = _told()
    assert heard.lost() == ""
    peers.say[RANK] = {}
    now[0] += 500
    assert heard.lost() == ""
    now[0] += 61
    assert heard.lost() == f"{RANK} has said nothing for 61 s"
    peers.say[RANK] = _told()
    assert heard.lost() == ""


def test_out_of_rotation_with_another_host(peers: Peers) -> None:
    """What somebody said on a rank, the head's gateways heed, as long as it holds."""
    seen: list[list[str]] = []

    def then(**fields: Any) -> Any:
        seen.append(rotation.why_kept_out("chat"))
        return _told(state="active", **fields)

    over: dict[str, Any] = {"invocation": "b2"}
    out: list[dict[str, Any]] = [{"out": ["a fan is loud"]}, {"out": ["a fan is loud"]}]
    rows = iter([*out, {"out": []}, {}])
    peers.say[RANK] = lambda: then(**next(rows, over))
    rank.lost(_head(), {RANK: "b1"})
    loud = [f"{RANK}: a fan is loud"]
    assert seen == [[], loud, loud, [], []]


def test_what_is_out_here_is_told_by_the_rank(host: Host) -> None:
    host.stage("both", across=ACROSS)
    durable.link(f"{places.instance('chat')}/current", f"{places.releases('chat')}/both")
    durable.write_json(places.out_there("chat"), {"why": ["203.0.113.3: a fan is loud"]})
    rotation.keep_out("chat", "the rack is moved")
    # Not what it was told by others, which would come back to them.
    assert ranks.told("chat")["out"] == ["the rack is moved"]
    assert agent.answer("chat") == "drain"
    rotation.let_in("chat")
    assert agent.answer("chat") == "drain"
    assert rotation.shown() == {"chat": ["203.0.113.3: a fan is loud"]}
    Path(places.out_there("chat")).unlink()
    assert agent.answer("chat") != "drain"


def test_head_ends_before_a_rank_does(
    host: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gateways notice, what is in flight is waited for, and then its watch ends the server."""
    durable.write_json(places.agent(), {"asked_every_s": 0.01})
    host.serving("old")
    left = iter([1, 0])
    host.systemd.manners["old"].metrics = lambda: (
        f'vllm:num_requests_running{{engine="0"}} {next(left)}\nvllm:num_requests_waiting 0.0\n'
    )
    monkeypatch.setattr(connections, "waiting", lambda port: 0)
    parting_ = {"why": "the host is being changed", "within_s": 30, "invocation": "b1"}
    peers.say[RANK] = _told(state="active", parting=parting_)
    why = f"{RANK} is about to end (the host is being changed)"
    assert rank.lost(_head(), {RANK: "b1"}) == why
    assert next(left, None) is None
    assert agent.answer("chat") == "drain"
    assert capsys.readouterr().err.splitlines() == [
        f"{why}; waiting until nothing is in flight",
        "waiting: gateways notice within 0 s",
    ]


def test_what_the_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rank.variables(_head()) == {
        "rank": "0",
        "headless": "",
        "VLLM_HOST_IP": HEAD,
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
    }
    group = _rank(monkeypatch)
    monkeypatch.setattr(ranks, "interface", lambda address: "eth1")
    told = rank.variables(group)
    assert (told["rank"], told["headless"], told["VLLM_HOST_IP"]) == ("1", "--headless", RANK)


def test_ready(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head's time counts once all have begun; a rank is ready when it is connected."""
    about = {"across": ACROSS | {"port": free_port()}}
    assert ready.gathered("chat", {}, os.getpid()) is None
    assert ready.gathered("chat", about, 1 << 30) == f"the server's process {1 << 30} is gone"
    durable.write_json(places.bound("chat"), {})
    assert ready.gathered("chat", about, os.getpid()) is None
    monkeypatch.setattr(ranks, "own", lambda address: address == RANK)
    monkeypatch.setattr(ranks, "connected", lambda group: True)
    assert ready.gathered("chat", about, os.getpid()) == ""
    monkeypatch.setattr(ranks, "own", lambda address: False)
    assert "this host has none of the addresses" in (ready.gathered("chat", about, 1) or "")
