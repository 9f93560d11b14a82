"""An activation takes its instance out of rotation, and whatever ends it puts it in again."""

import socket
import time
from pathlib import Path

import activate
import agent
import draining
import durable
import places
import pytest
import recovery
import rotation

from tests.roles.hostside.staged import UNIT, Host

_NOTICED_S = 0.2
IDLE = "vllm:num_requests_running 0.0\nvllm:num_requests_waiting 0.0\n"


@pytest.fixture(autouse=True)
def asked(host: Host) -> None:
    """Gateways ask, so often that a test can wait for it."""
    durable.write_json(places.agent(), {"asked_every_s": _NOTICED_S / 2})


class Killed(BaseException):
    """The job is gone."""


def _killed_at(host: Host, step: str) -> None:
    def say(said: str) -> None:
        if said == step:
            raise Killed

    with pytest.raises(Killed):
        activate.Activation(host.plan("new"), say).run()


def test_gateways_have_noticed_before_anything_is_stopped(host: Host) -> None:
    """And again before the next host's turn comes."""
    host.serving("old")
    began, at = time.monotonic(), []
    host.systemd.on_call = lambda said: (
        at.append(time.monotonic() - began) if said == f"systemctl stop {UNIT}" else None
    )
    assert host.activate("new")["ok"]
    assert at[0] >= _NOTICED_S
    assert host.said.count("waiting: gateways notice within 0 s") == 2


def test_first_release_waits_for_nobody_before(host: Host) -> None:
    assert host.activate("old")["ok"]
    assert host.said.count("waiting: gateways notice within 0 s") == 1


@pytest.mark.parametrize("step", ["drain", "swap", "restart", "ask", "commit"])
def test_job_that_is_killed(host: Host, step: str) -> None:
    host.serving("old")
    _killed_at(host, step)
    # "drain" is told before the instance is taken out.
    assert rotation.why_out("chat") == ([] if step == "drain" else ["an activation is at work"])
    recovery.finish("chat")
    assert host.serves == "old"
    assert agent.answer("chat") == "up ready"


def test_job_that_is_killed_after_its_last_word(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving("old")

    def gone(instance: str) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "join", gone)
        with pytest.raises(Killed):
            activate.Activation(host.plan("new"), host.said.append).run()
    assert host.record["outcome"] == "committed"
    assert agent.answer("chat") == "drain"
    recovery.finish("chat")
    assert agent.answer("chat") == "up ready"


def test_broken_is_not_put_in_by_whoever_comes_after(host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    host.systemd.manners["old"].answers.clear()
    host.activate("new")
    recovery.finish("chat")
    assert agent.answer("chat") == "drain"


def test_full_disk_does_not_keep_what_serves_out(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is in memory, and taking it back needs no room."""
    host.serving("old")
    real = durable.write

    def write(path: str, text: str, mode: int = 0o644) -> None:
        if path.startswith(places.STATE) and host.record["steps"][-1]["step"] == "restart":
            raise OSError(28, "No space left on device")
        real(path, text, mode)

    monkeypatch.setattr(durable, "write", write)
    host.misbehave("new", fails_to_start=("died",))
    assert not host.activate("new")["ok"]
    assert host.record["outcome"] is None
    assert host.serves == "old"
    assert agent.answer("chat") == "up ready"


def test_boot(host: Host) -> None:
    """What was in memory is gone, and the links are back before anything starts."""
    host.serving("old")
    _killed_at(host, "ask")
    host.systemd.power_off()
    for note in Path(places.out()).iterdir():
        note.unlink()
    recovery.boot()
    assert agent.answer("chat") == "down ready #its unit is inactive"
    host.systemd.boot()
    assert (host.serves, agent.answer("chat")) == ("old", "up ready")


def test_request_that_the_engine_does_not_know_yet(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway is still sending it: it is waited for like one that runs."""
    monkeypatch.setattr(draining, "_LOOK_EVERY_S", 0.01)
    host.serving("old")
    manner = host.systemd.served(UNIT)
    assert manner is not None
    manner.metrics = lambda: IDLE
    said: list[str] = []
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
        draining.drain(host.plan("new", drain_within_s=0.3), said.append)
    assert said[0] == "draining: 1 in flight"
