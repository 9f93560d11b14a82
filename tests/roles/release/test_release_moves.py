"""Activating and going back: what has to be done on a host, and when nothing has."""

from dataclasses import replace
from typing import Any

import pytest
from pyinfra.api import FunctionCommand

from roles import instance, lock
from roles.release import Move, Release, Wish, backward, forward, served
from roles.release.before import EVERY
from roles.spec import HostSpec, Secret
from tests.roles.faked import bare, entry, on_host, seen
from tests.roles.spec.nouns import Nouns

KEY = "sesame-sesame-sesame"


@pytest.fixture
def spec(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> HostSpec:
    """A host with one instance and its key."""
    # What was read is kept for the run, so that every test has names of its own.
    monkeypatch.setenv("MOVES_KEY", KEY)
    monkeypatch.setenv("MOVES_KEY_NEW", KEY[::-1])
    return nouns.chat(api_key=Secret(env="MOVES_KEY"))


def _generation(spec: HostSpec) -> str:
    machine_id = bare()["system"]["machine_id"]
    return str(instance.generation(spec.instances[0], machine_id=machine_id)["generation"])


def _name(spec: HostSpec) -> str:
    return Release(spec=spec, instance=spec.instances[0]).name


def _serving(spec: HostSpec, **fields: Any) -> dict[str, Any]:
    right = {"current": _name(spec), "secrets": _generation(spec)}
    return bare() | {"instances": {"chat": seen(**right | fields)}}


def _forward(spec: HostSpec, found: dict[str, Any]) -> list[Move]:
    with on_host(spec, found) as host:
        return forward(host)


def _backward(spec: HostSpec, found: dict[str, Any], wish: Wish = EVERY) -> list[Move]:
    with on_host(spec, found) as host:
        return backward(host, wish)


def test_forward(spec: HostSpec) -> None:
    """From nothing, or from what clients get answers from until then."""
    first = Move(spec.instances[0], _name(spec), None, _generation(spec), brings="qwen3-8b")
    assert _forward(spec, bare()) == [first]
    about = {"unit": "metalserve-vllm@chat.service", "model": "qwen"}
    found = _serving(spec, current="other", about=about)
    wanted = replace(first, serving="other", interrupts="qwen")
    assert _forward(spec, found) == [wanted]


def test_release_that_failed_before_is_said_to_have(spec: HostSpec) -> None:
    bad = {_name(spec): "1 of 3 answers wrong", "older": "no"}
    (move,) = _forward(spec, _serving(spec, current="other", bad=bad))
    assert move.failed == "1 of 3 answers wrong"
    assert move.back is not None
    assert move.back.failed == ""


@pytest.mark.parametrize(
    ("has", "renewed"), [({"secrets": "0"}, True), ({}, False), ({"secrets": None}, False)]
)
def test_other_secrets(spec: HostSpec, has: dict[str, Any], renewed: bool) -> None:
    (move,) = _forward(spec, _serving(spec, current="other", **has))
    assert move.renewed is renewed


def test_serves(spec: HostSpec) -> None:
    assert _forward(spec, _serving(spec)) == []


NOT: dict[str, dict[str, Any]] = {
    "another release": {"current": "vllm-0.26-cuda-000000000000"},
    "nothing": {"current": None, "secrets": None, "unit": None, "active": False, "about": None},
    "another secret": {"secrets": "0"},
    "dead": {"active": False},
    "interrupted": {"transaction": seen()["transaction"] | {"outcome": None}},
}


@pytest.mark.parametrize("fields", NOT.values(), ids=NOT)
def test_does_not_serve(spec: HostSpec, fields: dict[str, Any]) -> None:
    (move,) = _forward(spec, _serving(spec, **fields))
    assert (move.release, move.generation) == (_name(spec), _generation(spec))


def test_new_secret_is_activated(spec: HostSpec, nouns: Nouns) -> None:
    """The same release is started again, and there is no other to go back to."""
    renewed = nouns.chat(api_key=Secret(env="MOVES_KEY_NEW"))
    (move,) = _forward(renewed, _serving(spec))
    assert (move.release, move.serving) == (_name(spec), _name(spec))
    assert move.generation != _generation(spec)
    assert move.back is None


def test_what_is_run(spec: HostSpec) -> None:
    with on_host(spec, bare()) as host:
        (command,) = forward(host)[0].commands(python="/usr/bin/python3.11")
    assert isinstance(command, FunctionCommand)
    assert command.kwargs == {
        "name": "activate-chat",
        "script": "activate",
        "python": "/usr/bin/python3.11",
        "plan": {
            "instance": "chat",
            "release": _name(spec),
            "from": None,
            "secrets": _generation(spec),
            "drain_within_s": 120,
            "who": lock.owner()["who"],
        },
    }


OUT: dict[str, dict[str, Any]] = {
    "dead": {"active": False},
    "taken out by hand": {"out": ["a fan is loud"]},
    "out since an activation": {"transaction": {"outcome": "broken"}},
    "in the middle of one": {"transaction": {"outcome": None}},
}


@pytest.mark.parametrize("fields", OUT.values(), ids=OUT)
def test_what_clients_get_no_answers_from(spec: HostSpec, fields: dict[str, Any]) -> None:
    about = {"unit": "metalserve-vllm@chat.service", "model": "qwen"}
    found = bare() | {"instances": {"chat": seen(about=about), "draw": seen(about=about, **fields)}}
    with on_host(spec, found) as host:
        assert served(host) == {"chat": "qwen"}
    with on_host(spec, bare() | {"instances": None}) as host:
        assert served(host) == {}


def test_back(spec: HostSpec) -> None:
    """To the release before with the secrets that it has; no question is asked of the spec."""
    found = _serving(spec, previous="before")
    (move,) = _backward(spec, found)
    assert move == Move(spec.instances[0], "before", _name(spec), None, "chat", "qwen3-8b")
    forth = Move(spec.instances[0], _name(spec), "before", None, "qwen3-8b", "chat")
    assert move.back == forth


def test_stays(spec: HostSpec) -> None:
    assert _backward(spec, _serving(spec, previous="before"), Wish(leave=("before",))) == []


def test_not_back(spec: HostSpec) -> None:
    known = [entry("one"), entry("zero", fault="is marked bad: sum (text): answered '5'")]
    found = bare() | {"instances": {"chat": seen(served=known)}}
    with pytest.raises(LookupError, match="zero is marked bad: sum"):
        _backward(spec, found)
