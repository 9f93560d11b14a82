"""Hosts that serve an instance together: addresses that they have, and what must not differ."""

from ipaddress import ip_address
from typing import Any

from roles.preflight import across
from roles.spec import Accelerator, Across, Agent, HostSpec, Instance, Rank
from tests.roles.faked import bare
from tests.roles.spec.nouns import Nouns

ACROSS = Across(
    ranks=(
        Rank(host="gpu-1", address=ip_address("192.0.2.1")),
        Rank(host="gpu-2", address=ip_address("192.0.2.2")),
    )
)


def _instance(nouns: Nouns) -> Instance:
    stack = nouns.stack(
        name="vllm-0.26-cpu", accelerator=Accelerator.CPU, driver=None, command=("serve",)
    )
    options = nouns.options(tensor_parallel_size=2)
    return nouns.instance(stack=stack, options=options, devices=(), across=ACROSS)


def _seen(nouns: Nouns, address: str, **system: Any) -> across.Seen:
    found = bare()
    found["system"] |= {"addresses": ["198.51.100.7", address], **system}
    one = _instance(nouns)
    return across.Seen(
        HostSpec(accelerator=Accelerator.CPU, instances=(one,), agent=Agent()), found
    )


def _told(name: str, hosts: dict[str, across.Seen]) -> list[str]:
    return [str(reason) for reason in across.reasons(name, hosts)]


def test_right(nouns: Nouns) -> None:
    hosts = {"gpu-1": _seen(nouns, "192.0.2.1"), "gpu-2": _seen(nouns, "192.0.2.2")}
    assert _told("gpu-1", hosts) + _told("gpu-2", hosts) == []


def test_address_that_it_has_not(nouns: Nouns) -> None:
    hosts = {"gpu-2": _seen(nouns, "192.0.2.3")}
    assert _told("gpu-2", hosts) == [
        "instances/chat/across/ranks: found 198.51.100.7, 192.0.2.3, wanted 192.0.2.2, by which "
        "the other hosts reach this one; give the host this address, or name one that it has "
        "[address]"
    ]


def test_processors_that_differ(nouns: Nouns) -> None:
    """It is told of the one that is not as the head."""
    hosts = {
        "gpu-1": _seen(nouns, "192.0.2.1"),
        "gpu-2": _seen(nouns, "192.0.2.2", arch="aarch64"),
    }
    assert _told("gpu-1", hosts) == []
    assert _told("gpu-2", hosts) == [
        "instances/chat/across: found processors aarch64, wanted x86_64, as on gpu-1, which serves "
        "it with this host; make them the same, or choose hosts that are [unlike]"
    ]


def test_host_that_does_not_say(nouns: Nouns) -> None:
    """Its own fault is told by others, once."""
    silent = _seen(nouns, "192.0.2.1")
    silent.found["faults"] = {"python": "not found"}
    hosts = {"gpu-1": silent, "gpu-2": _seen(nouns, "192.0.2.2", arch="aarch64")}
    assert _told("gpu-1", hosts) + _told("gpu-2", hosts) == []
