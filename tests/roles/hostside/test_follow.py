"""The head decides, and the other hosts follow it: there, back, and when either is cut short."""

from typing import Any

import activate
import follow
import gathering
import jobs
import pytest
import ranks
import recovery
import rotation

from tests.roles.hostside.staged import Host
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
