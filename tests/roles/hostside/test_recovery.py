"""What served before serves again: after kills, power loss, full disks and our own faults."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import activate
import ask
import durable
import jobs
import places
import pytest
import recovery
import served

from tests.roles.hostside.staged import UNIT, Host, fill

FORWARD = ["drain", "swap", "restart", "ask", "commit"]
BACK = ["swap back", "restart back", "ask back"]


class Killed(BaseException):
    """The job is gone."""


def _killed_at(host: Host, step: str, release: str = "new") -> None:
    def say(said: str) -> None:
        if said == step:
            raise Killed

    with pytest.raises(Killed):
        activate.Activation(host.plan(release), say).run()
    assert host.steps[-1] == step


@pytest.mark.parametrize("step", [*FORWARD, *BACK])
def test_recover_after_the_job_was_killed(step: str, host: Host) -> None:
    host.serving("old")
    before = host.state
    if step in BACK:
        host.misbehave("new", answers={})
    _killed_at(host, step)
    recovery.finish("chat")
    assert host.serves == "old"
    assert host.state == before
    assert host.record["outcome"] == "rolled back"
    assert host.record["why"] == f"the job was killed at step {step}"
    assert durable.read_json(places.job("activate-chat") + "/result.json") == {
        "ok": False,
        "summary": f"the job was killed at step {step}\nstate: old serves again and answers right",
    }
    assert host.audit[-1]["what"] == "recover chat"
    # Being killed is not the release's fault.
    assert step in BACK or host.bad == {}


@pytest.mark.parametrize("step", FORWARD)
def test_recover_after_the_job_of_a_first_release_was_killed(step: str, host: Host) -> None:
    _killed_at(host, step)
    recovery.finish("chat")
    assert host.serves is None
    assert host.state == {}
    assert host.record["outcome"] == "nothing serves"


def test_recover_leaves_alone_what_is_over(host: Host) -> None:
    recovery.finish("chat")
    host.serving("old")
    recovery.finish("chat")
    assert host.systemd.calls == []
    assert host.serves == "old"


@pytest.mark.parametrize("step", [*FORWARD, *BACK])
def test_restore_at_boot(step: str, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.serving("old")
    before = host.state
    if step in BACK:
        host.misbehave("new", answers={})
    _killed_at(host, step)
    host.systemd.power_off()
    recovery.boot()
    assert host.state == before
    why = f"the host went down at step {step}"
    assert capsys.readouterr().out == f"chat: {why}; current is old\n"
    assert (host.record["outcome"], host.record["why"]) == ("restored at boot", why)
    assert host.audit[-1]["result"] == f"{why}; current is old"
    host.systemd.boot()
    assert host.serves == "old"
    recovery.boot()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("served_before", [True, False])
def test_who_watched_is_told_what_the_boot_came_to(served_before: bool, host: Host) -> None:
    if served_before:
        host.serving("old")
    _killed_at(host, "ask")
    host.systemd.power_off()
    recovery.boot()
    state = (
        "old is current again and starts with the host; nobody has asked it yet"
        if served_before
        else "no release served before, so nothing serves chat"
    )
    assert durable.read_json(places.job("activate-chat") + "/result.json") == {
        "ok": False,
        "summary": f"the host went down at step ask\nstate: {state}",
    }


_GARBLED = ["", '{"instance": "chat", "out', "[]", '{"instance": "chat"}', '{"outcome": null}']
_NOT_KNOWN = (
    "the journal {} cannot be read, so it is not known whether an activation was cut short\n"
    "state: new is current, asked or not; run again, which asks it"
)


@pytest.mark.parametrize("text", _GARBLED)
@pytest.mark.parametrize("by", ["kill", "power"])
def test_journal_that_tells_nothing(
    text: str, by: str, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    _killed_at(host, "ask")
    Path(places.transaction("chat")).write_text(text)
    if by == "power":
        host.systemd.power_off()
        recovery.boot()
        assert "chat: the journal " in capsys.readouterr().out
    else:
        recovery.finish("chat")
    assert durable.read_json(places.job("activate-chat") + "/result.json") == {
        "ok": False,
        "summary": _NOT_KNOWN.format(places.transaction("chat")),
    }
    # The next activation begins from there.
    assert host.activate("new")["ok"]
    assert host.serves == "new"


def test_journal_that_tells_nothing_keeps_no_other_instance_from_its_release(host: Host) -> None:
    host.serving("old")
    before = host.state
    _killed_at(host, "ask")
    Path(places.transactions(), "another.json").write_text('{"instance": "another"}')
    host.systemd.power_off()
    recovery.boot()
    assert host.state == before


def test_job_that_ends_with_the_host_leaves_its_instance_to_the_boot(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    before = host.state
    _killed_at(host, "ask")
    host.systemd.system_state = "stopping"
    recovery.finish("chat")
    said = "the host goes down; what served before is put back at boot\n"
    assert capsys.readouterr().out == said
    assert host.record["outcome"] is None
    host.systemd.power_off()
    recovery.boot()
    assert host.record["outcome"] == "restored at boot"
    assert host.state == before


def test_restore_at_boot_of_a_first_release(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    _killed_at(host, "ask")
    host.systemd.power_off()
    recovery.boot()
    assert capsys.readouterr().out.endswith("; current is nothing\n")
    host.systemd.boot()
    assert host.serves is None
    assert host.state == {}


def test_restore_at_boot_leaves_a_committed_release(host: Host) -> None:
    host.serving("old")
    host.serving("new")
    host.systemd.power_off()
    recovery.boot()
    host.systemd.boot()
    assert host.serves == "new"


def _full(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full after so many writes."""
    real, count = durable.write, 0

    def write(*words: Any, **named: Any) -> None:
        nonlocal count
        count += 1
        if count > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(*words, **named)

    monkeypatch.setattr(durable, "write", write)


def _run_job(host: Host, release: str = "new") -> list[str]:
    """Run the script as the job does, and what systemd runs after it; return what they died of."""
    folder = places.job("activate-chat")
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "plan.json").write_text(json.dumps(host.plan(release)))
    died = []
    for main, words in (
        (activate.main, ["activate.py", folder]),
        (recovery.main, ["recovery.py", "job", "chat"]),
    ):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("sys.argv", words)
            try:
                main()
            except OSError as error:
                died.append(str(error))
    return died


# begin, five steps forward and the commit are written; then the job's result is.
@pytest.mark.parametrize("writes", range(7))
def test_full_disk_brings_the_old_release_back(
    writes: int, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    before = host.state
    _full(monkeypatch, writes)
    if writes == 0:
        with pytest.raises(OSError, match="No space left"):
            host.activate("new")
        assert [call for call in host.systemd.calls if " show " not in call] == []
    else:
        result = host.activate("new")
        assert result["summary"] == (
            "new failed: [Errno 28] No space left on device\n"
            "state: old serves again and answers right"
        )
        assert host.bad == {}
    assert host.serves == "old"
    assert host.state == before


def test_full_disk_at_the_end_is_found_out_in_time(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    _full(monkeypatch, 7)
    assert host.activate("new")["ok"]
    assert host.record["outcome"] == "committed"


def test_script_on_a_full_disk_says_that_nothing_was_changed(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    _full(monkeypatch, 0)
    # The result cannot be written either; systemd's journal has it.
    assert _run_job(host) == ["[Errno 28] No space left on device"]
    assert capsys.readouterr().out == (
        "the activation cannot begin: [Errno 28] No space left on device; nothing was changed\n"
    )
    assert host.serves == "old"
    assert [call for call in host.systemd.calls if " show " not in call] == []


def test_disk_that_is_really_full_when_links_are_put_back(
    host: Host, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    links = full_disk / "instances"
    shutil.copytree(places.instances(), links, symlinks=True)
    shutil.rmtree(places.instances())
    Path(places.instances()).symlink_to(links)
    host.misbehave("new", answers={})

    def say(said: str) -> None:
        if said == "swap back":
            fill(full_disk)

    result = activate.Activation(host.plan("new"), say).run()
    assert result["summary"].endswith("state: old serves again and answers right")
    assert host.serves == "old"
    assert host.state["current"] == "old"


def test_script_finishes_what_was_left_before_it_begins(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    _killed_at(host, "restart")
    seen: list[str] = []

    def on_call(said: str) -> None:
        if said == f"systemctl start {UNIT}":
            seen.append(str(host.state["current"]))

    host.systemd.on_call = on_call
    _run_job(host)
    assert seen == ["old", "new"]
    assert host.serves == "new"
    result = durable.read_json(places.job("activate-chat") + "/result.json")
    assert result["ok"]
    assert capsys.readouterr().out.endswith(result["summary"] + "\n")


@pytest.mark.parametrize("lost", ["current", "astray", "chat"])
@pytest.mark.parametrize("well", [True, False])
def test_links_that_somebody_took_away_are_there_again(lost: str, well: bool, host: Host) -> None:
    """What was current is drained, and serves again should the new one not."""
    host.stage("older")
    host.serving("older")
    host.serving("old")
    current = places.instance("chat") + "/current"
    if lost == "chat":
        shutil.rmtree(places.instance("chat"))
    else:
        durable.link(current, f"{places.releases('chat')}/lost" if lost == "astray" else None)
    if not well:
        host.misbehave("new", answers={})
    _run_job(host)
    assert host.serves == ("new" if well else "old")
    assert host.record["before"]["release"] == "old"
    current, previous = ("new", "old") if well else ("old", "older")
    links = {"current": current, "previous": previous}
    assert host.state == {**links, "secrets": "g1", UNIT: "metalserve-vllm@.service"}


def test_script_restores_at_boot(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    _killed_at(host, "ask")
    monkeypatch.setattr("sys.argv", ["recovery.py", "boot"])
    recovery.main()
    assert capsys.readouterr().out == "chat: the host went down at step ask; current is old\n"


def test_plan_that_another_run_overtook_changes_nothing(host: Host) -> None:
    host.serving("old")
    host.stage("new")
    plan = host.plan("new") | {"from": "older"}
    folder = Path(places.job("activate-chat"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.argv", ["activate.py", str(folder)])
        activate.main()
    assert durable.read_json(f"{folder}/result.json") == {
        "ok": False,
        "summary": "the activation cannot begin: old is current, older was when the plan was made; "
        "run again; nothing was changed",
    }
    assert host.serves == "old"


def test_release_that_is_not_staged_changes_nothing(host: Host) -> None:
    host.serving("old")
    _run_job(host, "newest")
    result = durable.read_json(places.job("activate-chat") + "/result.json")
    assert result == {
        "ok": False,
        "summary": "the activation cannot begin: newest is not staged for chat; "
        "nothing was changed",
    }
    assert host.systemd.calls == []
    assert host.record["outcome"] == "committed"


# What follows are faults that are known; each test is right when its fault is gone.


@pytest.mark.parametrize("missing", ["questions", "key"])
def test_old_release_that_cannot_be_asked_is_told(missing: str, host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})

    def say(said: str) -> None:
        if said == "ask back":
            path = {
                "questions": Path(places.checks("chat"), "old.json"),
                "key": Path(places.secrets("chat"), "g1", "api-key"),
            }[missing]
            path.unlink()

    result = activate.Activation(host.plan("new"), say).run()
    assert "old" in result["summary"].splitlines()[-1]
    assert host.serves == "old"
    # Otherwise no activation could ever begin again: each would recover first, and die.
    assert host.record["outcome"] is not None


def test_link_that_cannot_be_put_back_is_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.serving("old")
    host.misbehave("new", answers={})

    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def say(said: str) -> None:
        if said == "swap back":
            monkeypatch.setattr(durable, "link", read_only)

    result = activate.Activation(host.plan("new"), say).run()
    assert "Read-only file system" in result["summary"].splitlines()[-1]


@pytest.mark.parametrize("what", ["journal", "audit"])
def test_restore_at_boot_on_a_full_disk(
    what: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    _killed_at(host, "ask")
    host.systemd.power_off()
    if what == "journal":
        _full(monkeypatch, 0)
    else:
        Path(places.AUDIT).unlink()
        Path(places.AUDIT).mkdir()
    recovery.boot()
    host.systemd.boot()
    assert host.serves == "old"


def test_recover_without_an_audit_log(host: Host) -> None:
    host.serving("old")
    _killed_at(host, "ask")
    Path(places.AUDIT).unlink()
    Path(places.AUDIT).mkdir()
    assert _run_job(host) == []
    assert host.serves == "new"


def test_restore_leaves_alone_what_a_job_is_at_work_on(host: Host) -> None:
    host.serving("old")
    _killed_at(host, "restart")
    host.systemd.at_work(jobs.unit("activate-chat"))
    recovery.boot()
    assert host.record["outcome"] is None
    assert host.state["current"] == "new"


def test_fault_of_our_own_brings_the_old_release_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    real = ask.ask

    def broken(asked: served.Server, question: Any) -> Any:
        if host.serves == "new":
            raise RuntimeError("a fault")
        return real(asked, question)

    monkeypatch.setattr(ask, "ask", broken)
    result = host.activate("new")
    assert result["summary"].splitlines()[0] == "new failed: a fault"
    assert host.serves == "old"


def test_mark_that_cannot_be_taken_away_undoes_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")
    Path(places.bad("chat"), "new.json").mkdir(parents=True)
    assert host.activate("new")["ok"]
    assert host.serves == "new"


def test_old_release_is_started_again_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.serving("old")
    _full(monkeypatch, 3)
    _run_job(host)
    assert host.systemd.calls.count(f"systemctl start {UNIT}") == 1
