"""The journal of an activation: wherever it is cut short, it says how to put back what was."""

import os
from pathlib import Path
from typing import Any

import durable
import places
import pytest
import transaction
from transaction import Transaction

from tests.roles.hostside.staged import UNIT, Host

OLLAMA = "metalserve-ollama@chat.service"


class Killed(BaseException):
    """The process is gone."""


def _committed(host: Host, release: str, **plan: Any) -> None:
    found = Transaction.begin(host.plan(release, **plan))
    found.swap()
    found.end("committed")


def _first(host: Host) -> Any:
    return host.plan("new")


def _upgrade(host: Host) -> Any:
    _committed(host, "old")
    return host.plan("new")


def _second_upgrade(host: Host) -> Any:
    host.stage("older")
    _committed(host, "older")
    _committed(host, "old")
    return host.plan("new")


def _rollback(host: Host) -> Any:
    _committed(host, "new")
    _committed(host, "old")
    return host.plan("new", secrets=None)


def _other_unit(host: Host) -> Any:
    host.stage("old", unit=OLLAMA)
    _committed(host, "old")
    return host.plan("new")


def _other_secrets(host: Host) -> Any:
    host.stage("old", generation="g2", key="other")
    _committed(host, "old")
    return host.plan("old", secrets="g2")


def _upgrade_with_secrets(host: Host) -> Any:
    host.stage("new", generation="g2", key="other")
    _committed(host, "old")
    return host.plan("new", secrets="g2")


def _again(host: Host) -> Any:
    _committed(host, "old")
    return host.plan("old")


WANTS = "metalserve-vllm@chat.service"
TEMPLATE = "metalserve-vllm@.service"
SERVING = {"current": "old", "secrets": "g1", WANTS: TEMPLATE}
CASES = {
    _first: ({}, {"current": "new", "secrets": "g1", WANTS: TEMPLATE}),
    _upgrade: (SERVING, {**SERVING, "current": "new", "previous": "old"}),
    _second_upgrade: (
        {**SERVING, "previous": "older"},
        {**SERVING, "current": "new", "previous": "old"},
    ),
    _rollback: (
        {**SERVING, "previous": "new"},
        {**SERVING, "current": "new", "previous": "old"},
    ),
    _other_unit: (
        {"current": "old", "secrets": "g1", OLLAMA: "metalserve-ollama@.service"},
        {"current": "new", "previous": "old", "secrets": "g1", WANTS: TEMPLATE},
    ),
    _other_secrets: (SERVING, {**SERVING, "secrets": "g2"}),
    _upgrade_with_secrets: (
        SERVING,
        {**SERVING, "current": "new", "previous": "old", "secrets": "g2"},
    ),
    _again: (SERVING, SERVING),
}


@pytest.fixture(params=CASES, ids=[case.__name__[1:] for case in CASES])
def case(request: pytest.FixtureRequest, host: Host) -> Any:
    """A plan, the links before it and after it."""
    return request.param(host), *CASES[request.param]


def test_links_go_there_and_back(case: Any, host: Host) -> None:
    plan, before, after = case
    assert host.state == before
    found = Transaction.begin(plan)
    assert host.state == before
    found.swap()
    assert host.state == after
    found.swap_back()
    assert host.state == before


def _dying(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    count = 0
    for name in ("symlink", "replace", "unlink"):
        real = getattr(os, name)

        def counted(*words: Any, real: Any = real) -> None:
            nonlocal count
            count += 1
            if count == moment:
                raise Killed
            real(*words)

        monkeypatch.setattr(os, name, counted)


def _dies(verb: Any, moment: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patched:
        _dying(patched, moment)
        try:
            verb()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("where", ["swap", "swap_back"])
def test_killed_at_any_moment_what_was_is_put_back(
    where: str, case: Any, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before, after = case
    moment, dead = 0, True
    while dead:
        moment += 1
        found = Transaction.begin(plan)
        if where == "swap_back":
            found.swap()
        dead = _dies(getattr(found, where), moment, monkeypatch)
        # Whatever happened, a whole release is current, unless there was none.
        assert host.state.get("current") in {before.get("current"), after.get("current")}
        [left] = transaction.unfinished()
        left.swap_back()
        assert host.state == before
        left.end("restored at boot")
        assert transaction.unfinished() == []


def test_nothing_is_changed_before_it_is_written_down(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dead)
        with pytest.raises(Killed):
            Transaction.begin(host.plan("new"))
    assert Transaction.of("chat") is None
    assert host.state == {}


def test_record_tells_everything(host: Host) -> None:
    _committed(host, "old")
    found = Transaction.begin(host.plan("new"))
    found.step("swap")
    links = places.instance("chat")
    record = host.record
    assert [step.pop("step") for step in record["steps"]] == ["begin", "swap"]
    assert record.pop("began")
    del record["steps"]
    assert record == {
        "instance": "chat",
        "release": "new",
        "who": "ann@desk",
        "outcome": None,
        "before": {
            "release": "old",
            "unit": UNIT,
            "links": {
                f"{links}/current": f"{places.releases('chat')}/old",
                f"{links}/previous": None,
                f"{links}/secrets": f"{places.secrets('chat')}/g1",
                places.wants(UNIT): places.template(UNIT),
            },
        },
        "after": {
            "unit": UNIT,
            "links": {
                f"{links}/current": f"{places.releases('chat')}/new",
                f"{links}/previous": f"{places.releases('chat')}/old",
                f"{links}/secrets": f"{places.secrets('chat')}/g1",
                places.wants(UNIT): places.template(UNIT),
            },
        },
    }


@pytest.mark.parametrize(
    ("prepared", "first"),
    [(_first, True), (_upgrade, False), (_rollback, False), (_other_secrets, False)],
)
def test_first_is_told_and_the_way_back_is_known(prepared: Any, first: bool, host: Host) -> None:
    found = Transaction.begin(prepared(host))
    assert found.first is first
    assert found.is_back
    found.swap()
    assert not found.is_back
    found.swap_back()
    assert found.is_back


def test_over_with_an_outcome_alone(host: Host) -> None:
    found = Transaction.begin(host.plan("new"))
    assert not found.over
    found.step("swap")
    left = Transaction.of("chat")
    assert left is not None
    assert not left.over
    found.end("rolled back", "why")
    assert found.over
    assert host.record["outcome"] == "rolled back"
    assert host.record["why"] == "why"
    assert transaction.unfinished() == []


def test_end_that_cannot_be_written_is_no_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Transaction.begin(host.plan("new"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "write", full)
        with pytest.raises(OSError, match="No space left"):
            found.end("committed")
    assert not found.over
    assert host.record["outcome"] is None


def test_release_that_is_not_staged_is_named(host: Host) -> None:
    with pytest.raises(FileNotFoundError) as refused:
        Transaction.begin(host.plan("newest"))
    assert str(refused.value) == "newest is not staged for chat"
    assert host.record is None


def test_records_of_no_instance_do_not_count(host: Host) -> None:
    folder = Path(places.transactions())
    folder.mkdir()
    (folder / "half.json").write_text('{"outcome"')
    (folder / "chat.json.7.new").write_text('{"outcome": null}')
    assert transaction.unfinished() == []
