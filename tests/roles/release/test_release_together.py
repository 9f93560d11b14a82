"""Hosts that serve one instance together are in one run, and change when one of them has to."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyinfra.api import Host
from pyinfra.context import ctx_host

from roles import instance as secrets_of
from roles.release import Move, Release, backward, forward, operations, served
from roles.spec import HostSpec
from tests.roles.faked import Told, bare, seen, told
from tests.roles.grouped import HEAD, RANK, run, wanted
from tests.roles.spec.nouns import Nouns


@pytest.fixture
def spec(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> HostSpec:
    """What both of them should be."""
    monkeypatch.setenv("METALSERVE_API_KEY", "sesame-sesame-sesame")
    return wanted(nouns)


def _release(spec: HostSpec) -> Release:
    return Release(spec=spec, instance=spec.instances[0])


def _serving(spec: HostSpec, *, key: bool, **fields: Any) -> dict[str, Any]:
    """A host that serves what it should; a rank has no key."""
    found = bare()
    instance = spec.instances[0].model_copy(update={} if key else {"api_key": None})
    known = secrets_of.generation(instance, machine_id=found["system"]["machine_id"])
    chat = {"current": _release(spec).name, "secrets": known["generation"], "previous": "before"}
    return found | {"instances": {"chat": seen(**chat | fields)}}


def _told(operation: Any, hosts: dict[str, Host], name: str, **arguments: Any) -> Told:
    spec: HostSpec = hosts[name].data.spec
    with ctx_host.use(hosts[name]):
        return told(operation, spec, None, host=hosts[name], **arguments)


def test_both_serve(spec: HostSpec) -> None:
    with run(spec, _serving(spec, key=True), _serving(spec, key=False)) as hosts:
        for host in hosts.values():
            assert forward(host) == []
        # Clients get no answers from a rank.
        assert [served(host) for host in hosts.values()] == [{"chat": "chat"}, {}]


@pytest.mark.parametrize("behind", [HEAD, RANK])
def test_one_does_not(spec: HostSpec, behind: str) -> None:
    """Both change, and each by its own script; it is the head that brings the model."""
    head = _serving(spec, key=True, active=behind != HEAD)
    rank = _serving(spec, key=False, active=behind != RANK)
    with run(spec, head, rank) as hosts:
        for name, script, brings in ((HEAD, "activate", "qwen3-8b"), (RANK, "follow", None)):
            (move,) = forward(hosts[name])
            assert (move.release, move.script) == (_release(spec).name, script)
            assert (move.brings, move.interrupts is None) == (brings, name in (RANK, behind))


def test_rank_is_told_no_key(spec: HostSpec) -> None:
    with run(spec, bare(), bare()) as hosts:
        for name, key in ((HEAD, "sesame-sesame-sesame"), (RANK, "")):
            staged = _told(operations.laid_out_release, hosts, name, release=_release(spec))
            assert json.loads(str(staged.commands[-1][1]))["secrets"]["files"] == {"api-key": key}


@pytest.mark.parametrize("go", [forward, backward])
def test_host_that_is_not_in_therun(spec: HostSpec, go: Callable[[Host], list[Move]]) -> None:
    rank = _serving(spec, key=False, active=False)
    reason = (
        f"chat is served together with {HEAD}, not in this run or failed in it, so nothing was "
        "changed; run it for all of its hosts"
    )
    both = run(spec, _serving(spec, key=True), rank, HEAD)
    with both as hosts, pytest.raises(LookupError, match=reason):
        go(hosts[RANK])


def test_back(spec: HostSpec) -> None:
    with run(spec, _serving(spec, key=True), _serving(spec, key=False)) as hosts:
        for name, script in ((HEAD, "activate"), (RANK, "follow")):
            (move,) = backward(hosts[name])
            assert (move.release, move.script) == ("before", script)
