"""An activation ends with the new release serving or the old one, and says which."""

import json
import os
import re
import socket
import time
from pathlib import Path

import activate
import draining
import metrics
import places
import pytest

from tests.roles.hostside.staged import METRICS, UNIT, Host
from tests.standins.ports import free_port
from tests.standins.systemctl.answering import Manner, answering

OLLAMA = "metalserve-ollama@chat.service"
FORWARD = ["drain", "swap", "restart", "ask", "commit"]
BACK = ["swap back", "restart back", "ask back"]
BLOCKS = "ValueError: No available memory for the cache blocks. Try increasing"


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
    assert host.steps == ["begin", *FORWARD]
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


def test_links_that_a_hand_moved_meanwhile_are_right_at_the_end(host: Host) -> None:
    host.serving("old")

    def say(said: str) -> None:
        if said == "commit":
            Path(places.instance("chat"), "previous").unlink()
            Path(places.instance("chat"), "current").unlink()

    assert activate.Activation(host.plan("new"), say).run()["ok"]
    assert (host.state["current"], host.state["previous"]) == ("new", "old")


@pytest.mark.parametrize("leads", ["nowhere", "astray"])
def test_server_whose_current_link_a_hand_took_makes_way(leads: str, host: Host) -> None:
    host.serving("old")
    link = Path(places.instance("chat"), "current")
    link.unlink()
    if leads == "astray":
        link.symlink_to("/nowhere")
    assert host.activate("new")["ok"]
    assert (host.serves, host.state["current"]) == ("new", "new")


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
        "  known from: vllm#18124, vLLM source\n"
        f"  log: INFO loading\n  log: {BLOCKS}\n  log: RuntimeError: see above\n"
        "state: old serves again and answers right",
    }
    assert host.serves == "old"
    assert host.state == before
    assert host.record["outcome"] == "rolled back"
    assert host.record["why"] == "new failed: it did not become ready"
    assert host.steps == ["begin", "drain", "swap", "restart", "mark bad", *BACK]
    assert host.bad["new"]["why"] == "new failed: it did not become ready"
    assert host.bad["new"]["evidence"][0] == "cause: nothing is left for the key-value cache"
    assert host.audit[-1]["result"] == (
        "failed: it did not become ready; old serves again and answers right"
    )


def test_device_that_fails_meanwhile_is_the_cause(host: Host) -> None:
    """The kernel tells it; the server only feels it."""
    host.serving("old")
    xid = "NVRM: Xid (PCI:0000:3b:00): 79, pid=812, GPU has fallen off the bus."
    host.systemd.log("kernel", "NVRM: Xid (PCI:0000:86:00): 48, pid=1, of long ago")

    def on_call(said: str) -> None:
        if said == f"systemctl start {UNIT}":
            host.systemd.log("kernel", xid)

    host.systemd.on_call = on_call
    host.misbehave("new", fails_to_start=("RuntimeError: CUDA error: unspecified launch failure",))
    summary = host.activate("new")["summary"]
    assert "cause: a GPU failed" in summary
    assert xid in summary
    assert "86:00" not in summary


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


def test_known_cause_of_wrong_answers_follows_them(host: Host) -> None:
    host.serving("old")
    host.misbehave("new", status=500)
    host.systemd.on_call = lambda said: (
        host.systemd.log(UNIT, "torch.OutOfMemoryError: CUDA out of memory.")
        if said == f"systemctl start {UNIT}"
        else None
    )
    told = host.activate("new")["summary"].splitlines()
    assert told[1:3] == [
        "  sum (text): answered 500: engine is dead",
        "  cause: weights and activations exceed the device's memory",
    ]


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
            Manner(fails_to_start=("MetadataIncompleteBuffer",)),
            "old is current again but DOES NOT START: cause: a weights file is truncated; remedy: "
            "hash every file again and mend what is wrong: deploy/verify_weights.py, then "
            "deploy/main.py; known from: Qwen3-VL#264, airllm#137; measured, vLLM 0.32; "
            "log: MetadataIncompleteBuffer",
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


def test_port_of_another_plane_counts_too(host: Host) -> None:
    """MindIE listens on three; those that the old release has come free."""
    planes = {"management": {"address": "127.0.0.1", "port": free_port()}}
    host.stage("old", planes=planes)
    host.serving("old")
    with answering(Manner()) as other:
        host.stage("new", planes={"metrics": {"address": "127.0.0.1", "port": other.port}})
        with pytest.raises(activate.StepError, match=f"^port {other.port} is held by "):
            host.activate("new")
    assert f"systemctl stop {UNIT}" not in host.systemd.calls


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


def _drained(host: Host, within_s: float) -> list[str]:
    said: list[str] = []
    draining.drain(host.plan("new", drain_within_s=within_s), said.append)
    return said


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than in earnest."""
    monkeypatch.setattr(draining, "_LOOK_EVERY_S", 0.01)


@pytest.mark.usefixtures("quick")
def test_what_is_in_flight_is_waited_for(host: Host) -> None:
    host.serving("old")
    left = _metrics(host, RUNNING, RUNNING, IDLE)
    assert _drained(host, 30) == ["draining: 3 in flight"] * 2
    assert left == [IDLE]


@pytest.mark.usefixtures("quick")
def test_what_is_in_flight_is_waited_for_no_longer_than_allowed(host: Host) -> None:
    host.serving("old")
    _metrics(host, RUNNING)
    assert _drained(host, 0.1)[0] == "draining: 3 in flight"


@pytest.mark.usefixtures("quick")
def test_server_that_does_not_say_is_given_all_of_the_time(host: Host) -> None:
    """It may have any number of requests: that nobody can count them is no reason to cut them."""
    host.serving("old")
    _metrics(host, "<html>")
    began = time.monotonic()
    said = _drained(host, 0.3)
    assert time.monotonic() - began >= 0.3
    assert said[0] == (
        "draining: what is in flight is not known (line 1 is no metric: '<html>'), 0 s left"
    )


@pytest.mark.usefixtures("quick")
def test_server_that_dies_meanwhile_is_waited_for_no_longer(host: Host) -> None:
    host.serving("old")
    _metrics(host, RUNNING)
    began = time.monotonic()

    def say(_: str) -> None:
        host.systemd.power_off()

    draining.drain(host.plan("new", drain_within_s=600), say)
    assert time.monotonic() - began < 300


@pytest.mark.usefixtures("quick")
def test_old_numbers_are_believed_once_they_are_renewed(host: Host) -> None:
    """Nothing in flight has to be said for as long as a number may be old."""
    host.stage("old", metrics={**METRICS, "refreshed_every_s": 0.3})
    host.serving("old")
    _metrics(host, IDLE, RUNNING, IDLE)
    began = time.monotonic()
    said = _drained(host, 600)
    assert 0.3 <= time.monotonic() - began < 300
    assert said[:3] == [
        "draining: nothing in flight 0 s ago, looking on",
        "draining: 3 in flight",
        "draining: nothing in flight 0 s ago, looking on",
    ]


def test_server_without_metrics_is_asked_by_its_connections(host: Host) -> None:
    host.stage("old", unit=OLLAMA, metrics=None)
    host.serving("old")
    manner = host.systemd.served(OLLAMA)
    assert manner is not None
    manner.hang = True
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert metrics.in_flight("chat").requests == 1
    host.systemd.power_off()
    assert metrics.in_flight("chat").requests == 0
