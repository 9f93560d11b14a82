"""Instances over several hosts: who may be one, and which hosts belong together."""

from ipaddress import ip_address
from typing import Any

import pytest

from roles.spec import (
    Accelerator,
    Across,
    Agent,
    Gateway,
    HostSpec,
    Instance,
    Rank,
    SpecError,
    behind,
    groups,
    inventory,
    members,
)
from tests.roles.spec.nouns import Nouns

SERVE = ("-m", "vllm.entrypoints.cli.main", "serve")


def _across(*ranks: tuple[str, str], **fields: Any) -> Across:
    named = ranks or (("gpu-1", "10.0.0.1"), ("gpu-2", "10.0.0.2"))
    found = tuple(Rank(host=host, address=ip_address(at)) for host, at in named)
    return Across(ranks=found, **fields)


def _instance(nouns: Nouns, **fields: Any) -> Instance:
    right = {
        "stack": nouns.stack(command=SERVE),
        "options": nouns.options(tensor_parallel_size=2),
        "across": _across(),
    }
    return nouns.instance(**right | fields)


def _host(*instances: Instance, **fields: Any) -> HostSpec:
    right: dict[str, Any] = {"accelerator": Accelerator.CUDA, "agent": Agent()}
    return HostSpec(**right | {"instances": instances} | fields)


def _faults(hosts: dict[str, HostSpec]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        inventory(hosts)
    return [str(fault) for fault in caught.value.faults]


def test_right(nouns: Nouns) -> None:
    one = _instance(nouns)
    assert inventory({"gpu-1": _host(one), "gpu-2": _host(one)})
    assert (one.rank("gpu-1"), one.rank("gpu-2")) == (0, 1)
    assert nouns.instance().rank("gpu-2") == 0
    assert one.ports == (8000, 29501)


def test_only_the_head_is_asked(nouns: Nouns) -> None:
    one = _instance(nouns)
    assert _host(one).answering("gpu-1") == (one,)
    assert _host(one).answering("gpu-2") == ()
    gateway = Gateway(address=ip_address("127.0.0.1"), port=8443, models=(one.served_as,))
    found = behind(gateway, {"gpu-1": _host(one), "gpu-2": _host(one)})
    assert [one.host for one in found[one.served_as]] == ["gpu-1"]


def test_hosts_that_belong_together(nouns: Nouns) -> None:
    """Those that share an instance, and those that share a host with them."""
    chat = _instance(nouns)
    draw = _instance(nouns, name="draw", across=_across(("gpu-2", "10.0.0.2"), ("gpu-4", "::1")))
    hosts = {
        "gpu-1": _host(chat),
        "gpu-2": _host(chat, draw),
        "gpu-3": _host(nouns.instance()),
        "gpu-4": _host(draw),
    }
    assert groups(hosts) == [("gpu-1", "gpu-2", "gpu-4"), ("gpu-3",)]
    assert [one.host for one in members("gpu-2", hosts)["chat"]] == ["gpu-1", "gpu-2"]
    assert members("gpu-3", hosts) == {}
    assert groups({}) == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"across": _across(("gpu-1", "10.0.0.1"), ("gpu-1", "10.0.0.2"))},
            "across/ranks: has host gpu-1 twice, name it once",
        ),
        (
            {"across": _across(("gpu-1", "10.0.0.1"), ("gpu-2", "10.0.0.1"))},
            "across/ranks: has address 10.0.0.1 twice, name it once",
        ),
        (
            {"across": _across(("gpu-1", "10.0.0.1"), ("gpu-2", "127.0.0.1"))},
            "across/ranks/gpu-2/address: is 127.0.0.1, where no other host reaches it, give its "
            "own address in the network of the group",
        ),
        (
            {"across": _across(("gpu-1", "10.0.0.1"), ("gpu-2", "fd00::2"))},
            "across/ranks/gpu-2/address: is fd00::2, while the head has 10.0.0.1, give all of "
            "them addresses of one kind",
        ),
        (
            {"across": _across(("gpu-1", "10.0.0.1"))},
            "across/ranks: is (Rank(host='gpu-1', address=IPv4Address('10.0.0.1')),), should have "
            "at least 2 items",
        ),
        (
            {"across": _across(port=8000)},
            "across/port: is 8000, where the instance answers, give the hosts a port of their own",
        ),
        (
            {"failing_device": "move"},
            "failing_device: is move for an instance over several hosts, should be refuse, its "
            "hosts have the same devices",
        ),
        (
            {"devices": (0, 1)},
            "options: has 2 parts, by tensor_parallel_size and pipeline_parallel_size, on 2 hosts "
            "with 2 device(s) each, their product should be 4",
        ),
    ],
)
def test_instance_that_cannot(nouns: Nouns, fields: dict[str, Any], fault: str) -> None:
    one = _instance(nouns, **fields)
    assert [str(fault) for fault in one.faults()] == [fault]


@pytest.mark.parametrize(
    ("stack", "wrong"),
    [
        ({"version": "0.11.0"}, "is given to vLLM 0.11.0, of which no --nnodes is known"),
        ({"version": "0.99.0"}, "is given to vLLM 0.99.0, of which no --nnodes is known"),
        (
            {"command": ("-m", "vllm.entrypoints.openai.api_server")},
            "is given to vllm-0.26-cuda, started by vllm.entrypoints.openai.api_server",
        ),
    ],
)
def test_stack_that_cannot(nouns: Nouns, stack: dict[str, Any], wrong: str) -> None:
    one = _instance(nouns, stack=nouns.stack(**{"command": SERVE} | stack))
    assert [(fault.path, fault.wrong) for fault in one.faults()] == [("across", wrong)]


def test_engine_that_cannot(nouns: Nouns) -> None:
    one = nouns.ollama(across=_across())
    assert [str(fault) for fault in one.faults()] == [
        "across: is given to ollama, leave it out: vllm alone is served over several hosts"
    ]


def test_parts_on_one_host(nouns: Nouns) -> None:
    two = nouns.options(pipeline_parallel_size=2)
    assert nouns.instance(options=two, devices=(0, 1)).faults() == []
    assert [str(fault) for fault in nouns.instance(options=two).faults()] == [
        "options/tensor_parallel_size: is 2 on 1 device(s), should equal the number of devices"
    ]


def test_launcher_is_not_told_by_hand(nouns: Nouns) -> None:
    options = nouns.options(extra=("--nnodes", "2", "--headless"))
    assert [str(fault) for fault in nouns.instance(options=options).faults()] == [
        "options/extra: --nnodes is rendered from the spec, leave it out and set the field that "
        "says it",
        "options/extra: --headless is rendered from the spec, leave it out and set the field that "
        "says it",
    ]


def test_host_that_is_not_there(nouns: Nouns) -> None:
    assert _faults({"gpu-1": _host(_instance(nouns))}) == [
        "gpu-1/instances/chat/across/ranks: names gpu-2, which is not in the inventory, should be "
        "hosts of the inventory"
    ]


def test_host_that_is_not_named(nouns: Nouns) -> None:
    one = _host(_instance(nouns))
    assert _faults({"gpu-1": one, "gpu-2": one, "gpu-3": one}) == [
        "gpu-3/instances/chat/across: does not name gpu-3 itself, name it, or leave the instance "
        "to gpu-1, gpu-2"
    ]


def test_instances_that_differ(nouns: Nouns) -> None:
    one = _instance(nouns)
    other = _instance(nouns, drain_within_s=7)
    told = "give each host of them the same instance"
    assert _faults({"gpu-1": _host(one), "gpu-2": _host(other)}) == [
        "gpu-2/instances/chat: is another than that of gpu-1, which serves it with this host, "
        f"{told}"
    ]
    assert _faults({"gpu-1": _host(one), "gpu-2": _host()}) == [
        f"gpu-2/instances: has no chat, which gpu-1 serves with it, {told}"
    ]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"agent": None},
            "gpu-2/agent: is missing while chat is served over several hosts, give the host "
            "agent=Agent(), which tells the others how far it is",
        ),
        (
            {"agent": Agent(address=ip_address("192.0.2.7"))},
            "gpu-2/agent/address: is 192.0.2.7, where the other hosts of chat do not ask, should "
            "be 10.0.0.2 or 0.0.0.0",
        ),
        (
            {"agent": Agent(port=29700)},
            "gpu-2/agent/port: is 29700, and 29651 on gpu-1, give each host of chat the same",
        ),
        (
            {"weights_root": "/data"},
            "gpu-2/weights_root: is /data, and /srv/metalserve/weights on gpu-1, which serves chat "
            "with this host, give each host of them the same",
        ),
    ],
)
def test_hosts_that_differ(nouns: Nouns, fields: dict[str, Any], fault: str) -> None:
    one = _instance(nouns)
    assert _faults({"gpu-1": _host(one), "gpu-2": _host(one, **fields)}) == [fault]


def test_port_that_another_has(nouns: Nouns) -> None:
    spec = _host(_instance(nouns), nouns.instance(name="draw", devices=(1,), port=29501))
    assert [str(fault) for fault in spec.faults()] == [
        "instances/draw: wants port 29501, which instance 1 (chat) has, give each instance its own "
        "port"
    ]
