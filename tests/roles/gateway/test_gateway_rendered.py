"""An inventory as HAProxy reads it, and keys that stand in files of their own alone."""

import hashlib
import re
from typing import Any

import pytest

from roles.gateway.members import Known
from roles.gateway.rendered import Configuration
from roles.spec import Accelerator, Agent, Client, Gateway, HostSpec, Secret
from tests.roles.spec.nouns import Nouns

EDGE, SERVERS = "sk-edge-4hRw8Zq1Nc6TyPj3Vx", "sk-test-7f3kQz9Xw2LmVb8Rt5"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the inventory names."""
    monkeypatch.setenv("GATEWAY_EDGE", EDGE)
    monkeypatch.setenv("GATEWAY_SERVERS", SERVERS)


def _instance(nouns: Nouns, **fields: Any) -> Any:
    right = {"address": "0.0.0.0", "api_key": Secret(env="GATEWAY_SERVERS")}
    return nouns.instance(**right | fields)


def _known(nouns: Nouns, *models: str, beside: Any = (), **fields: Any) -> Known:
    right: dict[str, Any] = {
        "address": "10.0.0.9",
        "port": 443,
        "models": models or ("qwen3-8b",),
        "clients": (Client(name="team-a", key=Secret(env="GATEWAY_EDGE")),),
    }
    gateway = Gateway(**right | fields)
    agent = Agent(asked_every_s=3)
    specs = {
        "gpu-1": nouns.host(_instance(nouns), agent=agent),
        "gpu-2": nouns.host(
            _instance(nouns, address="10.0.1.2", port=8001, name="text"), agent=agent
        ),
        "gw": HostSpec(
            accelerator=Accelerator.CUDA, gateway=gateway, agent=agent, instances=beside
        ),
    }
    return Known(specs, {"gpu-1": "10.0.0.1", "gpu-2": "10.0.0.2", "gw": "10.0.0.9"})


def _text(known: Known) -> str:
    return Configuration(name="gw", known=known).text


def _lines(text: str, words: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(words)]


def test_servers(nouns: Nouns) -> None:
    """Where they listen; where SSH goes to, for one that listens everywhere."""
    known = _known(nouns, beside=(_instance(nouns, name="here", port=8002),))
    asked = "agent-port 29651 agent-inter 3s agent-send"
    assert _lines(_text(known), "server ") == [
        rf'server gpu-1:chat 10.0.0.1:8000 {asked} "chat\n"',
        rf'server gpu-2:text 10.0.1.2:8001 {asked} "text\n"',
        rf'server gw:here 127.0.0.1:8002 {asked} "here\n"',
    ]


def test_one_model_needs_no_name_in_the_path(nouns: Nouns) -> None:
    text = _text(_known(nouns))
    assert _lines(text, "acl known") == [
        "acl known path_beg /qwen3-8b/v1/",
        "acl known path_beg /v1/",
    ]
    assert _lines(text, "default_backend") == ["default_backend qwen3-8b"]
    assert _lines(text, "option httpchk") == ["option httpchk"]
    assert 'set-path "%[path,bytes(9)]" if { path_beg /qwen3-8b/v1/ }' in text


def test_several_models_are_told_apart_by_the_path(nouns: Nouns) -> None:
    draw = _instance(nouns, name="draw", port=8002, model="Qwen/draw")
    text = _text(_known(nouns, "qwen3-8b", "Qwen/draw", beside=(draw,)))
    assert _lines(text, "use_backend") == [
        "use_backend qwen3-8b if { path_beg /qwen3-8b/v1/ }",
        "use_backend Qwen:draw if { path_beg /Qwen/draw/v1/ }",
    ]
    assert _lines(text, "default_backend") == []
    assert "models are at /qwen3-8b/v1/ or /Qwen/draw/v1/" in text
    listed = '{"object": "list", "data": [{"id": "qwen3-8b", "object": "model"}, {"id": "Qwen/draw"'
    assert listed in text


def test_engine_that_tells_no_health_is_connected_to(nouns: Nouns) -> None:
    ollama = nouns.ollama(model="qwen3:8b", port=11434)
    text = _text(_known(nouns, "qwen3:8b", beside=(ollama,)))
    assert _lines(text, "option httpchk") == []
    # It asks for no key, so it is shown none.
    assert _lines(text, "http-request set-header") == []


def test_certificate(nouns: Nouns) -> None:
    assert _lines(_text(_known(nouns)), "bind 10") == ["bind 10.0.0.9:443"]
    known = _known(nouns, certificate="/etc/ssl/gw.pem", address="fd00::9")
    assert _lines(_text(known), "bind [") == [
        "bind [fd00::9]:443 ssl crt /etc/ssl/gw.pem alpn h2,http/1.1"
    ]


def test_wishes(nouns: Nouns) -> None:
    text = _text(_known(nouns, body_limit_mib=2, answer_within_s=70, in_flight=8, queue_within_s=5))
    for words in (
        "gt 2097152 }", "timeout server 70s", "timeout client 70s", "timeout queue 5s",
        "hard-stop-after 140s", "maxconn 8\n",
    ):  # fmt: skip
        assert words in text
    open_one = _text(_known(nouns, clients=(), address="127.0.0.1"))
    assert "401" not in open_one


def test_only_what_never_reached_a_server_is_asked_again(nouns: Nouns) -> None:
    text = _text(_known(nouns))
    assert _lines(text, "retry-on") == ["retry-on conn-failure"]
    assert _lines(text, "option http-server-close") == ["option http-server-close"]


def test_keys_are_in_files_of_their_own(nouns: Nouns) -> None:
    made = Configuration(name="gw", known=_known(nouns)).serving(machine_id="m1")
    files = made["files"]
    shown = hashlib.sha256(EDGE.encode()).hexdigest().upper()
    assert files["clients.map"] == f"{shown} team-a\n"
    assert files["servers.map"] == f"qwen3-8b {SERVERS}\n"
    for key in (EDGE, SERVERS):
        assert key not in files["haproxy.cfg"]
        assert not any(key in path for path in made["managed"])
    assert made["binds"] == [443, 29652]


def test_name_changes_with_what_it_serves_with(
    nouns: Nouns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with the host's id, so that keys cannot be compared between hosts."""
    known = _known(nouns)
    first = Configuration(name="gw", known=known).serving(machine_id="m1")
    again = Configuration(name="gw", known=known).serving(machine_id="m1")
    elsewhere = Configuration(name="gw", known=known).serving(machine_id="m2")
    changed = _known(nouns, in_flight=3)
    other = Configuration(name="gw", known=changed).serving(machine_id="m1")
    assert first == again
    assert re.fullmatch("[0-9a-f]{12}-[0-9a-f]{12}", first["name"])
    assert len({first["name"], elsewhere["name"], other["name"]}) == 3
    assert len({first["digest"], elsewhere["digest"], other["digest"]}) == 3
