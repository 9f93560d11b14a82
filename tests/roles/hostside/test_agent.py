"""What gateways are told of an instance, in every state that it may be in."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import activate
import agent
import durable
import places
import pytest
import rotation
import service

from tests.roles.hostside.staged import UNIT, Host


@pytest.fixture(autouse=True)
def asked(host: Host) -> None:
    """Gateways ask."""
    durable.write_json(places.agent(), {"asked_every_s": 0.01})


def test_serving_and_gone(host: Host) -> None:
    assert agent.answer("chat") == "down #nothing is to serve"
    host.serving("old")
    assert agent.answer("chat") == "up ready"
    host.systemd.power_off()
    assert agent.answer("chat") == "down ready #its unit is inactive"


def test_out_of_rotation(host: Host) -> None:
    host.serving("old")
    rotation.leave("chat", "an activation is at work")
    assert agent.answer("chat") == "drain"
    rotation.join("chat")
    assert agent.answer("chat") == "up ready"


@pytest.mark.parametrize("name", ["nobody", "draw"])
def test_instance_that_is_not_there(host: Host, name: str) -> None:
    host.serving("old")
    assert agent.answer(name) == "down #nothing is to serve"


@pytest.mark.parametrize("name", ["", "../chat", "Chat", "x" * 21, "chat chat"])
def test_what_is_no_name(host: Host, name: str) -> None:
    assert agent.answer(name) == "down #no instance has such a name"


def test_systemd_that_does_not_say(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself is asked by the gateway, too: nobody is taken out for this."""
    host.serving("old")
    monkeypatch.setattr(service, "state", lambda unit: "")
    assert agent.answer("chat") == "ready"
    rotation.leave("chat", "an activation is at work")
    assert agent.answer("chat") == "drain"


def test_disk_that_cannot_be_read(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.serving("old")

    def fail(path: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(durable, "read_link", fail)
    assert agent.answer("chat") == "ready"


def test_all_that_an_activation_tells(host: Host) -> None:
    """Nothing is sent to a release that was not asked yet, neither forward nor back."""
    told: list[tuple[str, str]] = []
    host.systemd.on_call = lambda said: (
        told.append((said, agent.answer("chat"))) if said.startswith("systemctl st") else None
    )
    host.activate("old")
    assert {answer for _, answer in told} == {"drain"}
    assert agent.answer("chat") == "up ready"
    told.clear()
    host.misbehave("new", answers={})
    assert not host.activate("new")["ok"]
    assert {answer for _, answer in told} == {"drain"}
    assert host.serves == "old"
    assert agent.answer("chat") == "up ready"


def test_broken_stays_out(host: Host) -> None:
    host.serving("old")
    host.misbehave("new", answers={})
    host.systemd.manners["old"].answers.clear()
    assert not host.activate("new")["ok"]
    assert host.record["outcome"] == "broken"
    assert host.systemd.active(UNIT)
    assert agent.answer("chat") == "drain"
    # Who corrects it says so, or activates.
    host.misbehave("new")
    assert host.activate("new")["ok"]
    assert agent.answer("chat") == "up ready"


@contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = agent.Agent(listening)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def test_agent_that_answers_nobody(host: Host) -> None:
    """An activation does not begin: gateways would send on."""
    host.serving("old")
    with _listening() as port:
        told = {"asked_every_s": 0.01, "address": "127.0.0.1", "port": port}
        durable.write_json(places.agent(), told)
        assert rotation.silent() == ""
        assert host.activate("new")["ok"]
    why = f"the agent on port {port} does not answer (Connection refused)"
    assert rotation.silent() == why
    with pytest.raises(activate.StepError) as caught:
        host.activate("old")
    assert str(caught.value) == (
        f"gateways would not stop sending: {why}; systemctl restart metalserve-agent.socket"
    )
    assert (host.serves, host.record["release"]) == ("new", "new")


def test_over_the_wire(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HAProxy asks: a line, an answer, the end. Who says nothing keeps nobody waiting."""
    monkeypatch.setattr(agent.Question, "timeout", 0.2)
    host.serving("old")
    with _listening() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
        for said, answer in ((b"chat\n", b"up ready\n"), (b"nobody\r\n", b"down #nothing is to")):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as asked:
                asked.sendall(said)
                assert asked.makefile("rb").read().startswith(answer)
        assert silent.recv(64) == b""
