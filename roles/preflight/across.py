"""Hosts that serve one instance together: what they have to have in common."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from roles.preflight import seen
from roles.preflight.reason import Reason
from roles.spec import HostSpec, Instance


class Seen(NamedTuple):
    """A host of the run: what it should be, and what its probe saw."""

    spec: HostSpec
    found: dict[str, Any]


def reasons(name: str, hosts: Mapping[str, Seen]) -> Iterator[Reason]:
    """What speaks against a host's part in what it serves with others."""
    spec, found = hosts[name]
    for instance in spec.instances:
        if instance.across is None or found["faults"]:
            continue
        rank, head = instance.rank(name), instance.across.head.host
        yield from _address(str(instance.across.ranks[rank].address), instance, found)
        if rank and head in hosts and not hosts[head].found["faults"]:
            yield from _unlike(instance, head, hosts[head], hosts[name])


def _address(wanted: str, instance: Instance, found: dict[str, Any]) -> Iterator[Reason]:
    there = found["system"]["addresses"]
    if wanted not in there:
        yield Reason(
            code="address",
            path=f"instances/{instance.name}/across/ranks",
            found=f"{', '.join(there) or 'no address'}",
            wanted=f"{wanted}, by which the other hosts reach this one",
            remedy="give the host this address, or name one that it has",
        )


def _unlike(instance: Instance, head: str, first: Seen, this: Seen) -> Iterator[Reason]:
    """One process computes as all others do: the same cards, driven by the same driver."""
    for what, theirs, ours in (
        ("driver", seen.driver(*first), seen.driver(*this)),
        ("devices", _devices(instance, first), _devices(instance, this)),
        ("processors", first.found["system"]["arch"], this.found["system"]["arch"]),
    ):
        if theirs != ours:
            yield Reason(
                code="unlike",
                path=f"instances/{instance.name}/across",
                found=f"{what} {ours or 'unknown'}",
                wanted=f"{theirs or 'unknown'}, as on {head}, which serves it with this host",
                remedy="make them the same, or choose hosts that are",
            )


def _devices(instance: Instance, one: Seen) -> str:
    names = [str(device["name"]) for device in seen.chosen(instance, *one).values()]
    return seen.counted(names)
