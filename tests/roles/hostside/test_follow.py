"""The head decides, and the other hosts follow it: there, back, and when either is cut short."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import activate
import durable
import follow
import gathering
import jobs
import places
import pytest
import ranks
import recovery
import rotation

from tests.roles.hostside.staged import UNIT, Host
from tests.roles.hostside.test_ranks import ACROSS, HEAD, RANK, Peers, peers

__all__ = ["peers"]

TOLD = ["offer", "swap", "restart", "verdict", "commit"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    monkeypatch.setattr(follow, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(follow, "_VERDICT_WITHIN_S", 0.1)
    monkeypatch.setattr(gathering, "_OFFERED_WITHIN_S", 0.2)
    monkeypatch.setattr(rotation, "silent", lambda: "")


@pytest.fixture
def both(host: Host, peers: Peers) -> Host:
    """Two releases of both hosts are staged."""
    for release in ("old", "new"):
        host.stage(release, across=ACROSS)
    return host


@pytest.fixture
def rank(both: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """This host is the rank."""
    monkeypatch.setattr(ranks, "own", lambda address: address == RANK)
    return both


class Head:
    """The head, as it answers: step by step of its journal, the last one for good."""

    def __init__(self, host: Host, release: str, *rows: dict[str, Any]) -> None:
        self.host, self.release, self.rows = host, release, list(rows)

    def __call__(self) -> dict[str, Any]:
        row = self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]
        mine = (self.host.record or {}).get("group", {}).get("id")
        last = {"release": self.release, "outcome": None, "why": "", "steps": ["begin"]}
        last |= {"group": {"offers": {RANK: mine}}} | row
        return {"release": row.get("release", self.release), "transaction": last}


GO = {"steps": ["begin", "drain", "swap", "restart"]}
DONE = {**GO, "outcome": "committed"}
WENT_BACK = {
    "steps": [*GO["steps"], "ask", "mark bad", "swap back"],
    "why": "new failed: 1 of 1 answers wrong",
}


def _follow(host: Host, release: str = "new") -> Any:
    host.said.clear()
    return follow.Following(host.plan(release), host.said.append).run()


def _on_old(host: Host, peers: Peers) -> None:
    peers.say[HEAD] = Head(host, "old", {}, GO, DONE)
    done = _follow(host, "old")
    assert done == {"ok": True, "summary": done["summary"], "report": []}
    assert done["summary"].startswith(f"old serves with the head on {HEAD}, after ")
    assert host.record["outcome"] == "committed"


def test_there(rank: Host, peers: Peers) -> None:
    _on_old(rank, peers)
    peers.say[HEAD] = Head(rank, "new", {"group": {}}, {}, {}, GO, GO, DONE)
    assert _follow(rank)["ok"]
    assert rank.steps == ["begin", *TOLD]
    assert rank.serves == "new"
    assert rank.audit[-1]["result"] == f"serves with the head on {HEAD}"
    assert rank.state["previous"] == "old"
    assert rank.record["group"]["head"] == HEAD
    # Nobody asks it anything: that is the head's.
    assert rank.systemd.manners["new"].asked == []


def test_back_with_the_head(rank: Host, peers: Peers) -> None:
    _on_old(rank, peers)
    peers.say[HEAD] = Head(rank, "new", GO, GO, WENT_BACK)
    failed = _follow(rank)
    assert not failed["ok"]
    assert failed["summary"].splitlines() == [
        f"new failed: the head on {HEAD} went back: new failed: 1 of 1 answers wrong",
        "state: old is current again and begins with its head",
    ]
    assert (rank.serves, rank.record["outcome"]) == ("old", "rolled back")
    # What the head blames is blamed here, so that neither is rolled back to it.
    assert list(rank.bad) == ["new"]


def test_back_on_a_full_disk_of_the_head(rank: Host, peers: Peers) -> None:
    """It cannot write that it goes back, and its links say it."""
    _on_old(rank, peers)
    peers.say[HEAD] = Head(rank, "new", GO, GO, {**GO, "release": "old"})
    assert not _follow(rank)["ok"]
    assert (rank.serves, rank.bad) == ("old", {})


def test_head_that_goes_back_before_anything(rank: Host, peers: Peers) -> None:
    _on_old(rank, peers)
    calls = len(rank.systemd.calls)
    peers.say[HEAD] = Head(rank, "new", {}, {"outcome": "rolled back", "why": "no room"})
    failed = _follow(rank)
    assert failed["summary"] == (
        f"new was not begun: the head on {HEAD} went back: no room; nothing was changed"
    )
    assert rank.serves == "old"
    assert [one for one in rank.systemd.calls[calls:] if " st" in one] == []


def test_first_release_that_fails(rank: Host, peers: Peers) -> None:
    peers.say[HEAD] = Head(rank, "new", GO, GO, WENT_BACK)
    failed = _follow(rank)
    assert "state: no release served before, so nothing serves chat" in failed["summary"]
    assert (rank.serves, rank.state) == (None, {})


def test_rank_that_cannot_start(rank: Host, peers: Peers) -> None:
    _on_old(rank, peers)
    rank.misbehave("new", fails_to_start=("ValueError: no such option",))
    peers.say[HEAD] = Head(rank, "new", GO)
    failed = _follow(rank)
    assert "new failed: its rank here ended" in failed["summary"]
    assert "ValueError: no such option" in failed["summary"]
    assert rank.serves == "old"
    assert list(rank.bad) == ["new"]


def test_head_that_does_not_begin(
    rank: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _on_old(rank, peers)
    monkeypatch.setattr(follow, "_TAKEN_WITHIN_S", 0.1)
    peers.say[HEAD] = Head(rank, "old", {"group": {"offers": {RANK: "another"}}})
    assert _follow(rank)["summary"] == (
        f"new was not begun: the head on {HEAD} has not begun with this host within 0 s; nothing "
        "was changed"
    )
    assert rank.record["outcome"] == "rolled back"


def test_head_that_says_nothing_at_first(rank: Host, peers: Peers) -> None:
    _on_old(rank, peers)
    rows: list[Any] = [{}, {}]
    head = Head(rank, "new", GO, GO, DONE)
    peers.say[HEAD] = lambda: rows.pop() if rows else head()
    assert _follow(rank)["ok"]
    assert rank.serves == "new"


def test_head_that_is_silent(rank: Host, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    rank.stage("new", across=ACROSS, ready_within_s=0.2)
    _on_old(rank, peers)
    heard = iter([GO, GO])
    head = Head(rank, "new", GO)
    peers.say[HEAD] = lambda: head() if next(heard, None) else {}
    failed = _follow(rank)
    assert f"new failed: the head on {HEAD} has said nothing for 0 s" in failed["summary"]
    assert (rank.serves, rank.bad) == ("old", {})


def test_wrong_script(rank: Host) -> None:
    with pytest.raises(activate.StepError, match=f"this host follows the head on {HEAD}"):
        activate.Activation(rank.plan("new"), rank.said.append)


class Killed(BaseException):
    """The job is gone."""


def _killed_at(host: Host, step: str) -> None:
    def say(said: str) -> None:
        if said == step:
            raise Killed

    with pytest.raises(Killed):
        follow.Following(host.plan("new"), say).run()
    assert host.steps[-1] == step


@pytest.mark.parametrize(
    ("step", "boot"),
    [*((step, False) for step in TOLD), ("offer", True), ("restart", True), ("verdict", True)],
)
@pytest.mark.parametrize(
    ("verdict", "serves", "outcome"),
    [(DONE, "new", "committed"), (WENT_BACK, "old", "rolled back")],
)
def test_cut_short(
    rank: Host,
    peers: Peers,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    verdict: dict[str, Any],
    serves: str,
    outcome: str,
    boot: bool,
) -> None:
    """Wherever it is cut, by a kill or by the power, it ends as the head did."""
    _on_old(rank, peers)
    peers.say[HEAD] = Head(rank, "new", GO, GO, DONE)
    _killed_at(rank, step)
    later: list[tuple[str, ...]] = []
    if boot:
        rank.systemd.power_off()

        def note(*words: str) -> str:
            later.append(words)
            return ""

        monkeypatch.setattr(jobs, "later", note)
        recovery.boot()
        # Nothing but what was is started before the head can be asked.
        assert rank.state["current"] == "old"
        assert rank.record["outcome"] is None
        assert later == [("activate-chat", "recovery", "job", "chat")]
        rank.systemd.boot()
    peers.say[HEAD] = Head(rank, "new", GO, verdict)
    recovery.finish("chat")
    assert (rank.serves, rank.record["outcome"]) == (serves, outcome)
    assert rank.state["current"] == serves


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
