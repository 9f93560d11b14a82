"""Hosts that serve one instance together are in one run, and change when one of them has to."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, cast

import pytest
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.arguments import AllArguments
from pyinfra.context import ctx_host, ctx_state

from roles import instance as secrets_of
from roles.release import Move, Release, backward, forward, operations, served
from roles.spec import Accelerator, Across, Agent, HostSpec, Rank
from tests.roles.faked import Told, bare, seen, told
from tests.roles.spec.nouns import Nouns

HEAD, RANK = "@fake/gpu-1", "@fake/gpu-2"


@pytest.fixture
def spec(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> HostSpec:
    """What both of them should be."""
    monkeypatch.setenv("METALSERVE_API_KEY", "sesame-sesame-sesame")
    names = (HEAD, RANK)
    ranks = [Rank(host=n, address=ip_address(f"10.0.0.{i}")) for i, n in enumerate(names, start=1)]
    one = nouns.instance(
        stack=nouns.stack(command=("serve",)),
        options=nouns.options(tensor_parallel_size=2),
        across=Across(ranks=tuple(ranks)),
    )
    return HostSpec(accelerator=Accelerator.CUDA, instances=(one,), agent=Agent())


def _release(spec: HostSpec) -> Release:
    return Release(spec=spec, instance=spec.instances[0])


def _serving(spec: HostSpec, *, key: bool, **fields: Any) -> dict[str, Any]:
    """A host that serves what it should; a rank has no key."""
    found = bare()
    instance = spec.instances[0].model_copy(update={} if key else {"api_key": None})
    known = secrets_of.generation(instance, machine_id=found["system"]["machine_id"])
    chat = {"current": _release(spec).name, "secrets": known["generation"], "previous": "before"}
    return found | {"instances": {"chat": seen(**chat | fields)}}


@contextmanager
def _run(spec: HostSpec, head: object, rank: object, *left: str) -> Iterator[dict[str, Host]]:
    """A run of both hosts, but for those that have left it."""
    listed = [
        (name, {"spec": spec, "fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0,
                "fake_delay_jitter": 0})
        for name, found in ((HEAD, head), (RANK, rank))
    ]  # fmt: skip
    state = State(Inventory((listed, {})), Config())
    for host in state.inventory:
        host.current_op_global_arguments = cast("AllArguments", {})
        if host.name not in left:
            state.activate_host(host)
    with ctx_state.use(state):
        yield {host.name: host for host in state.inventory}


def _told(operation: Any, hosts: dict[str, Host], name: str, **arguments: Any) -> Told:
    spec: HostSpec = hosts[name].data.spec
    with ctx_host.use(hosts[name]):
        return told(operation, spec, None, host=hosts[name], **arguments)


def test_both_serve(spec: HostSpec) -> None:
    with _run(spec, _serving(spec, key=True), _serving(spec, key=False)) as hosts:
        for host in hosts.values():
            assert forward(host) == []
        # Clients get no answers from a rank.
        assert [served(host) for host in hosts.values()] == [{"chat": "chat"}, {}]


@pytest.mark.parametrize("behind", [HEAD, RANK])
def test_one_does_not(spec: HostSpec, behind: str) -> None:
    """Both change, and each by its own script; it is the head that brings the model."""
    head = _serving(spec, key=True, active=behind != HEAD)
    rank = _serving(spec, key=False, active=behind != RANK)
    with _run(spec, head, rank) as hosts:
        for name, script, brings in ((HEAD, "activate", "qwen3-8b"), (RANK, "follow", None)):
            (move,) = forward(hosts[name])
            assert (move.release, move.script) == (_release(spec).name, script)
            assert (move.brings, move.interrupts is None) == (brings, name in (RANK, behind))


def test_rank_is_told_no_key(spec: HostSpec) -> None:
    with _run(spec, bare(), bare()) as hosts:
        for name, key in ((HEAD, "sesame-sesame-sesame"), (RANK, "")):
            staged = _told(operations.laid_out_release, hosts, name, release=_release(spec))
            assert json.loads(str(staged.commands[-1][1]))["secrets"]["files"] == {"api-key": key}


@pytest.mark.parametrize("go", [forward, backward])
def test_host_that_is_not_in_the_run(spec: HostSpec, go: Callable[[Host], list[Move]]) -> None:
    rank = _serving(spec, key=False, active=False)
    reason = (
        f"chat is served together with {HEAD}, not in this run or failed in it, so nothing was "
        "changed; run it for all of its hosts"
    )
    run = _run(spec, _serving(spec, key=True), rank, HEAD)
    with run as hosts, pytest.raises(LookupError, match=reason):
        go(hosts[RANK])


def test_back(spec: HostSpec) -> None:
    with _run(spec, _serving(spec, key=True), _serving(spec, key=False)) as hosts:
        for name, script in ((HEAD, "activate"), (RANK, "follow")):
            (move,) = backward(hosts[name])
            assert (move.release, move.script) == ("before", script)
