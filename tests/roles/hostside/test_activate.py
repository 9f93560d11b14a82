"""An activation ends with the new release serving or the old one, and says which."""

import errno
import json
import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import activate
import ask
import durable
import jobs
import places
import pytest
import recovery

from tests.roles.hostside.staged import UNIT, Host, fill
from tests.standins.systemctl.answering import Manner, answering
from tests.standins.systemctl.systemd import free_port

OLLAMA = "metalserve-ollama@chat.service"
FORWARD = ["drain", "swap", "restart", "ask", "commit"]
BACK = ["swap back", "restart back", "ask back"]
BLOCKS = "ValueError: No available memory for the cache blocks. Try increasing"


def _steps(host: Host) -> list[str]:
    return [step["step"] for step in host.record["steps"]]


def _told(host: Host) -> list[str]:
    return [said for said in host.said if ":" not in said]


def test_first_release(host: Host) -> None:
    result = host.activate("old")
    assert result["ok"]
    summary = rf"old serves on port {host.port}, 1 of 1 answers right, after \d+\.\d s"
    assert re.fullmatch(summary, result["summary"])
    assert [answer["passed"] for answer in result["report"]] == [True]
    assert host.serves == "old"
    wants = {UNIT: "metalserve-vllm@.service"}
    assert host.state == {"current": "old", "secrets": "g1", **wants}
    assert host.record["outcome"] == "committed"
    assert _steps(host) == ["begin", *FORWARD]
    assert _told(host) == FORWARD
    [line] = host.audit
    assert (line["who"], line["what"], line["result"]) == (
        "ann@desk",
        "activate chat old",
        "serves",
    )


def test_upgrade(host: Host) -> None:
    host.serving("old")
    result = host.activate("new")
    assert result["ok"]
    assert host.serves == "new"
    assert host.state["current"] == "new"
    assert host.state["previous"] == "old"
    calls = host.systemd.calls
    assert calls.index(f"systemctl stop {UNIT}") < calls.index(f"systemctl start {UNIT}")
    assert calls.count(f"systemctl start {UNIT}") == 1


def test_roll_back_and_forward_again(host: Host) -> None:
    host.serving("old")
    for release, previous in (("new", "old"), ("old", "new"), ("new", "old")):
        assert host.activate(release, secrets=None)["ok"]
        assert host.serves == release
        assert host.state["previous"] == previous


def test_from_one_engine_to_another(host: Host) -> None:
    host.stage("old", unit=OLLAMA)
    host.serving("old")
    assert host.systemd.active(OLLAMA)
    assert host.activate("new")["ok"]
    assert not host.systemd.active(OLLAMA)
    assert host.systemd.active(UNIT)
    assert OLLAMA not in host.state
    assert host.state[UNIT] == "metalserve-vllm@.service"


def test_back_from_one_engine_to_another(host: Host) -> None:
    host.stage("old", unit=OLLAMA)
    host.serving("old")
    before = host.state
    host.misbehave("new", fails_to_start=(BLOCKS,))
    assert not host.activate("new")["ok"]
    assert host.serves == "old"
    assert host.state == before
    assert host.systemd.active(OLLAMA)
    assert not host.systemd.active(UNIT)


def test_release_that_does_not_become_ready(host: Host) -> None:
    host.serving("old")
    before = host.state
    host.misbehave("new", fails_to_start=("INFO loading", BLOCKS, "RuntimeError: see above"))
    result = host.activate("new")
    assert result == {
        "ok": False,
        "report": None,
        "summary": "new failed: it did not become ready\n"
        "  cause: nothing is left for the key-value cache\n"
        "  remedy: raise gpu_memory_utilization (kv_cache_gib on a CPU) or use a smaller model\n"
        f"  log: INFO loading\n  log: {BLOCKS}\n  log: RuntimeError: see above\n"
        "state: old serves again and answers right",
    }
    assert host.serves == "old"
    assert host.state == before
    assert host.record["outcome"] == "rolled back"
    assert host.record["why"] == "new failed: it did not become ready"
    assert _steps(host) == ["begin", "drain", "swap", "restart", "mark bad", *BACK]
    assert host.bad["new"]["why"] == "new failed: it did not become ready"
    assert host.bad["new"]["evidence"][0] == "cause: nothing is left for the key-value cache"
    assert host.audit[-1]["result"] == (
        "failed: it did not become ready; old serves again and answers right"
    )


def test_unknown_cause_shows_the_last_lines(host: Host) -> None:
    host.serving("old")
    lines = tuple(f"line {number}" for number in range(30))
    host.misbehave("new", fails_to_start=(*lines, "", "  "))
    summary = host.activate("new")["summary"].splitlines()
    assert summary[1] == "  its last lines were:"
    assert summary[2:-1] == [f"  {line}" for line in lines[-12:]]


def test_log_of_the_release_before_is_no_evidence(host: Host) -> None:
    host.serving("old")
    host.systemd.log(UNIT, "OSError: [Errno 98] Address already in use")
    host.misbehave("new", fails_to_start=("died",))
    assert "another process has the port" not in host.activate("new")["summary"]


def test_release_that_answers_wrong(host: Host) -> None:
    host.serving("old")
    before = host.state
    host.misbehave("new", answers={"2 + 2 =": "5"})
    result = host.activate("new")
    assert result["summary"] == (
        "new failed: 1 of 1 answers wrong\n  sum (text): answered '5', expected '4'\n"
        "state: old serves again and answers right"
    )
    assert result["report"][0]["got"] == "5"
    assert host.serves == "old"
    assert host.state == before
    assert host.bad["new"]["evidence"] == ["sum (text): answered '5', expected '4'"]


def test_bad_release_that_serves_at_last_is_bad_no_longer(host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    host.activate("new")
    assert list(host.bad) == ["new"]
    host.misbehave("new")
    assert host.activate("new")["ok"]
    assert host.bad == {}


def test_first_release_that_fails_leaves_nothing_running(host: Host) -> None:
    host.misbehave("old", answers={})
    result = host.activate("old")
    assert result["summary"].splitlines()[-1] == (
        "state: no release served before, so nothing serves chat"
    )
    assert host.serves is None
    assert host.state == {}
    assert host.record["outcome"] == "nothing serves"


@pytest.mark.parametrize(
    ("then", "state", "serves"),
    [
        (
            Manner(fails_to_start=("CUDA out of memory",)),
            "old is current again but DOES NOT START: cause: weights and activations exceed the "
            "device's memory; remedy: lower max_model_len or max_num_seqs, or use more devices; "
            "log: CUDA out of memory",
            None,
        ),
        (
            Manner(answers={"2 + 2 =": "5"}),
            "old runs again but ANSWERS WRONG: sum (text): answered '5', expected '4'",
            "old",
        ),
    ],
)
def test_old_release_that_does_not_come_back(
    then: Manner, state: str, serves: str | None, host: Host
) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    host.systemd.manners["old"] = then
    result = host.activate("new")
    assert result["summary"].splitlines()[-1] == f"state: {state}"
    assert host.serves == serves
    assert host.state["current"] == "old"
    assert host.record["outcome"] == "broken"
    assert host.audit[-1]["result"].endswith(state)


def test_port_that_another_process_takes_meanwhile(host: Host) -> None:
    host.serving("old")
    port = free_port()
    host.stage("new", port=port)
    taken = socket.socket()

    def on_call(said: str) -> None:
        if said == f"systemctl stop {UNIT}" and taken.getsockname()[1] == 0:
            taken.bind(("127.0.0.1", port))
            taken.listen()

    host.systemd.on_call = on_call
    with taken:
        result = host.activate("new")
    first, remedy, state = result["summary"].splitlines()
    assert first == f"new failed: port {port} is held by python (pid {os.getpid()})"
    assert remedy == "  stop it, or give the instance another port"
    assert state == "state: old serves again and answers right"
    assert host.serves == "old"
    # It is not the release that is at fault.
    assert host.bad == {}


def test_port_that_another_process_holds_interrupts_nobody(host: Host) -> None:
    host.serving("old")
    with answering(Manner()) as other:
        host.stage("new", port=other.port)
        with pytest.raises(activate.StepError, match=f"^port {other.port} is held by "):
            host.activate("new")
    assert f"systemctl stop {UNIT}" not in host.systemd.calls
    assert host.record["release"] == "old"


def test_release_that_serves_is_started_again(host: Host) -> None:
    host.serving("old")
    before = host.state
    assert host.activate("old")["ok"]
    assert host.state == before
    assert f"systemctl start {UNIT}" in host.systemd.calls


def test_release_that_served_is_not_made_bad_by_not_starting_again(host: Host) -> None:
    host.serving("old")
    before = host.state
    host.misbehave("old", fails_to_start=("died",))
    result = host.activate("old")
    assert "state: old is current again but DOES NOT START" in result["summary"]
    assert host.bad == {}
    assert host.state == before


def test_secrets_that_break_a_release_are_put_back(host: Host) -> None:
    host.serving("old")
    host.stage("old", generation="g2", key="other")
    host.systemd.manners["old"].answers.clear()
    seen: list[str] = []

    def on_call(said: str) -> None:
        if said == f"systemctl start {UNIT}":
            seen.append(str(host.state["secrets"]))

    host.systemd.on_call = on_call
    result = host.activate("old", secrets="g2")
    assert not result["ok"]
    assert seen == ["g2", "g1"]
    assert host.state["secrets"] == "g1"
    assert "other" not in json.dumps(result)
    assert "sesame" not in json.dumps(result)


def test_secrets_that_break_a_release_do_not_make_it_bad(host: Host) -> None:
    host.serving("old")
    host.stage("old", generation="g2", key="other")
    host.systemd.manners["old"].answers.clear()
    host.activate("old", secrets="g2")
    assert host.bad == {}


def _metrics(host: Host, *texts: str) -> list[str]:
    left = list(texts)
    manner = host.systemd.served(UNIT)
    assert manner is not None
    manner.metrics = lambda: left.pop(0) if len(left) > 1 else left[0]
    return left


RUNNING = 'vllm:num_requests_running{engine="0"} 2.0\nvllm:num_requests_waiting{engine="0"} 1.0\n'
IDLE = "# HELP x\nvllm:num_requests_running 0.0\nvllm:num_requests_waiting 0.0\nother 5\n"


def test_what_is_in_flight_is_waited_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activate, "_LOOK_EVERY_S", 0.01)
    host.serving("old")
    left = _metrics(host, RUNNING, RUNNING, IDLE)
    said: list[str] = []
    activate.drain(host.plan("new", drain_within_s=30), said.append)
    assert said == ["draining: 3 in flight"] * 2
    assert left == [IDLE]


def test_what_is_in_flight_is_waited_for_no_longer_than_allowed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activate, "_LOOK_EVERY_S", 0.01)
    host.serving("old")
    _metrics(host, RUNNING)
    said: list[str] = []
    activate.drain(host.plan("new", drain_within_s=0.1), said.append)
    assert said[0] == "draining: 3 in flight"


@pytest.mark.parametrize("metrics", ["", "<html>", "vllm:num_requests_runs 7\n"])
def test_server_that_does_not_say_has_nothing_in_flight(metrics: str, host: Host) -> None:
    host.serving("old")
    _metrics(host, metrics)
    assert activate.in_flight(host.plan("new")) == 0


@pytest.mark.parametrize("metrics", ["vllm:num_requests_running\n", "vllm:num_requests_running x"])
def test_metrics_that_make_no_sense_have_nothing_in_flight(metrics: str, host: Host) -> None:
    host.serving("old")
    _metrics(host, metrics)
    assert activate.in_flight(host.plan("new")) == 0


def test_server_that_is_gone_has_nothing_in_flight(host: Host) -> None:
    host.serving("old")
    host.systemd.power_off()
    assert activate.in_flight(host.plan("new")) == 0


class Killed(BaseException):
    """The job is gone."""


def _killed_at(host: Host, step: str, release: str = "new") -> None:
    def say(said: str) -> None:
        if said == step:
            raise Killed

    with pytest.raises(Killed):
        activate.Activation(host.plan(release), say).run()
    assert _steps(host)[-1] == step


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

    def broken(asked: ask.Server, question: Any) -> Any:
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
