"""What served is remembered, whatever becomes of the file; and what could serve again is told."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import durable
import history
import places
import pytest
import recovery
import transaction

from tests.roles.hostside.staged import Host, fill

TIMES = [f"2026-11-26T02:0{minute}:00Z" for minute in range(10)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A clock that is a minute later whenever it is told to: the first of the list is now."""
    times = list(TIMES)
    monkeypatch.setattr(durable, "now", lambda: times[0])
    return times


def _commit(host: Host, release: str, **plan: Any) -> None:
    found = transaction.Transaction.begin(host.plan(release, **plan))
    found.swap()
    found.end("committed")
    history.note(found.record)


def _links_alone(host: Host) -> None:
    """Lose the file, as a host of an older version has none."""
    Path(places.history("chat")).unlink()


def test_newest_first_whatever_way_it_came(host: Host, clock: list[str]) -> None:
    """A rollback is a commit like any other: twice back is where it was."""
    assert host.served == []
    host.stage("newest")
    for release, served in (
        ("old", ["old"]),
        ("new", ["new", "old"]),
        ("newest", ["newest", "new", "old"]),
        ("new", ["new", "newest", "old"]),
        ("newest", ["newest", "new", "old"]),
        ("old", ["old", "newest", "new"]),
    ):
        _commit(host, release)
        clock.pop(0)
        assert host.served == served
    assert history.read("chat") == [
        {"release": "old", "first": TIMES[0], "since": TIMES[5]},
        {"release": "newest", "first": TIMES[2], "since": TIMES[4]},
        {"release": "new", "first": TIMES[1], "since": TIMES[3]},
    ]


def test_activation_writes_it_down(host: Host) -> None:
    assert host.activate("old")["ok"]
    assert host.activate("new")["ok"]
    written = durable.read_json(places.history("chat"))
    assert [entry["release"] for entry in written] == ["new", "old"]


def test_release_that_failed_has_not_served(host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    assert not host.activate("new")["ok"]
    assert host.served == ["old"]


def test_new_secret_is_the_same_service(host: Host, clock: list[str]) -> None:
    host.stage("old", generation="g2", key="other")
    _commit(host, "old")
    clock.pop(0)
    _commit(host, "old", secrets="g2")
    assert history.read("chat") == [{"release": "old", "first": TIMES[0], "since": TIMES[0]}]


def test_host_of_an_older_version_knows_what_its_links_know(host: Host, clock: list[str]) -> None:
    host.stage("newest")
    _commit(host, "old")
    _commit(host, "new")
    _links_alone(host)
    unknown = {"first": None, "since": None}
    assert history.read("chat") == [{"release": name, **unknown} for name in ("new", "old")]
    assert history.before("chat") == "old"
    _commit(host, "newest")
    # When the others began, nobody knows; only that they are older.
    assert history.read("chat") == [
        {"release": "newest", "first": TIMES[0], "since": TIMES[0]},
        {"release": "new", **unknown},
        {"release": "old", **unknown},
    ]
    clock.pop(0)
    _commit(host, "new")
    assert history.read("chat")[0] == {"release": "new", "first": None, "since": TIMES[1]}


def test_full_disk_costs_no_commit_and_no_release(
    host: Host, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written down is known by the links, and written down by the next commit."""
    host.stage("newest")
    host.serving("old")
    with monkeypatch.context() as patched:
        patched.setattr(places, "history", lambda name: f"{full_disk}/history/{name}.json")
        fill(full_disk)
        assert host.activate("new")["ok"]
        assert host.record["outcome"] == "committed"
        assert not Path(places.history("chat")).exists()
    assert [entry["release"] for entry in durable.read_json(places.history("chat"))] == ["old"]
    assert host.served == ["new", "old"]
    assert host.activate("newest")["ok"]
    written = durable.read_json(places.history("chat"))
    assert [entry["release"] for entry in written] == ["newest", "new", "old"]


def test_cut_short_after_the_commit(host: Host) -> None:
    """The job is dead before it has written it down; whoever finishes it need not know."""
    _commit(host, "old")
    found = transaction.Transaction.begin(host.plan("new"))
    found.swap()
    found.end("committed")
    recovery.finish("chat")
    assert host.served == ["new", "old"]
    assert history.before("chat") == "old"


@pytest.mark.parametrize(
    "text", ["", "{}", "[1, null]", '[{"release": 1}, {"first": "x"}]', '[{"release": "old"'],
)  # fmt: skip
def test_file_that_makes_no_sense_is_none(host: Host, text: str) -> None:
    _commit(host, "old")
    _commit(host, "new")
    Path(places.history("chat")).write_text(text)
    assert host.served == ["new", "old"]
    _commit(host, "old")
    assert [entry["release"] for entry in durable.read_json(places.history("chat"))] == [
        "old", "new",
    ]  # fmt: skip


def test_what_was_pruned_drops_out(host: Host) -> None:
    host.stage("newest")
    for release in ("old", "new", "newest"):
        _commit(host, release)
    shutil.rmtree(f"{places.releases('chat')}/old")
    assert [entry["fault"] for entry in history.judged("chat")] == [
        None, None, "is not staged any more",
    ]  # fmt: skip
    _commit(host, "new")
    assert host.served == ["new", "newest"]


def test_bounded(host: Host) -> None:
    releases = [f"r{number}" for number in range(history.KEPT + 3)]
    for release in releases:
        host.stage(release)
        _commit(host, release)
    assert host.served == releases[::-1][: history.KEPT]


def _stack_gone(host: Host, release: str) -> str:
    target = host.own(release, "stack")
    shutil.rmtree(target)
    return f"has lost its stack: {target} is gone"


def _weights_gone(host: Host, release: str) -> str:
    target = host.own(release, "weights")
    shutil.rmtree(target)
    return f"has lost its weights: {target} is gone"


def _half_installed(host: Host, release: str) -> str:
    path = f"{host.own(release, 'stack')}/complete.json"
    Path(path).unlink()
    return f"is not whole: {places.releases('chat')}/{release}/stack/complete.json is gone"


def _no_start(host: Host, release: str) -> str:
    folder = f"{places.releases('chat')}/{release}"
    Path(folder, "start").unlink()
    return f"is not whole: {folder} has neither start nor compose.yaml"


def _no_questions(host: Host, release: str) -> str:
    path = f"{places.checks('chat')}/{release}.json"
    Path(path).unlink()
    return f"is not whole: {path} is gone"


def _not_described(host: Host, release: str) -> str:
    Path(places.releases("chat"), release, "release.json").unlink()
    return "is not staged any more"


def _bad(host: Host, release: str) -> str:
    durable.write_json(f"{places.bad('chat')}/{release}.json", {"why": "sum: answered '5'"})
    return "is marked bad: sum: answered '5'"


FAULTS: list[Callable[[Host, str], str]] = [
    _stack_gone, _weights_gone, _half_installed, _no_start, _no_questions, _not_described, _bad,
]  # fmt: skip


@pytest.mark.parametrize("break_", FAULTS, ids=[one.__name__[1:] for one in FAULTS])
def test_release_that_cannot_serve_again_is_passed(
    host: Host, break_: Callable[[Host, str], str]
) -> None:
    host.stage("newest")
    for release in ("old", "new", "newest"):
        _commit(host, release)
    assert history.before("chat") == "new"
    fault = break_(host, "new")
    found = {entry["release"]: entry["fault"] for entry in history.judged("chat")}
    assert found == {"newest": None, "new": fault, "old": None}
    assert history.before("chat") == "old"


def test_container_has_a_project_in_the_place_of_a_script(host: Host) -> None:
    for release in ("old", "new"):
        _commit(host, release)
    folder = Path(places.releases("chat"), "old")
    (folder / "start").rename(folder / "compose.yaml")
    assert history.before("chat") == "old"


def test_ports_are_told(host: Host) -> None:
    host.stage("new", planes={"management": {"address": "127.0.0.1", "port": 1026}})
    _commit(host, "new")
    [entry] = history.judged("chat")
    assert entry["ports"] == [host.port, 1026]


def test_nothing_to_go_back_to(host: Host) -> None:
    assert history.before("chat") is None
    _commit(host, "old")
    assert history.before("chat") is None
