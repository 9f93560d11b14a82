"""Which hosts of an inventory serve an instance together, and whether they can."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from roles.spec.across import Rank
from roles.spec.base import Fault
from roles.spec.instance import Instance

if TYPE_CHECKING:
    from roles.spec.host import HostSpec


class Member(NamedTuple):
    """One host of an instance over several, as the inventory has it."""

    host: str
    spec: "HostSpec"
    instance: Instance


def members(name: str, hosts: Mapping[str, "HostSpec"]) -> dict[str, list[Member]]:
    """Return the members of each instance over several hosts that ``name`` has, head first."""
    found: dict[str, list[Member]] = {}
    for instance in hosts[name].instances:
        if instance.across is None:
            continue
        found[instance.name] = [
            Member(one.host, hosts[one.host], theirs)
            for one in instance.across.ranks
            if one.host in hosts
            for theirs in hosts[one.host].instances
            if theirs.name == instance.name
        ]
    return found


def groups(hosts: Mapping[str, "HostSpec"]) -> list[tuple[str, ...]]:
    """
    Return which hosts have to change together, each host in one tuple, in the inventory's order:
    those that serve one instance, and those that share a host with them.
    """
    of: dict[str, set[str]] = {name: {name} for name in hosts}
    for spec in hosts.values():
        for instance in spec.instances:
            names = [one.host for one in instance.across.ranks] if instance.across else []
            joined = {host for name in names if name in of for host in of[name]}
            for name in joined:
                of[name] = joined
    return list(dict.fromkeys(tuple(name for name in hosts if name in of[one]) for one in hosts))


def ungathered(hosts: Mapping[str, "HostSpec"]) -> Iterator[Fault]:
    """What is wrong between the hosts that serve one instance together."""
    for name, spec in hosts.items():
        for instance in spec.instances:
            if instance.across is None:
                continue
            path = f"{name}/instances/{instance.name}/across"
            if instance.across.rank(name) is None:
                listed = ", ".join(one.host for one in instance.across.ranks)
                yield Fault(
                    path=path, wrong=f"does not name {name} itself",
                    right=f"name it, or leave the instance to {listed}",
                )  # fmt: skip
            elif instance.across.rank(name) == 0:
                yield from _of_head(path, Member(name, spec, instance), hosts)


def _of_head(path: str, head: Member, hosts: Mapping[str, "HostSpec"]) -> Iterator[Fault]:
    assert head.instance.across is not None  # noqa: S101  # whoever asks has looked
    for one in head.instance.across.ranks:
        if one.host not in hosts:
            yield Fault(
                path=f"{path}/ranks",
                wrong=f"names {one.host}, which is not in the inventory",
                right="should be hosts of the inventory",
            )
            continue
        spec = hosts[one.host]
        theirs = {found.name: found for found in spec.instances}.get(head.instance.name)
        if theirs is None:
            yield Fault(
                path=f"{one.host}/instances",
                wrong=f"has no {head.instance.name}, which {head.host} serves with it",
                right="give each host of them the same instance",
            )
        elif theirs != head.instance:
            yield Fault(
                path=f"{one.host}/instances/{head.instance.name}",
                wrong=f"is another than that of {head.host}, which serves it with this host",
                right="give each host of them the same instance",
            )
        if spec.weights_root != head.spec.weights_root:
            yield Fault(
                path=f"{one.host}/weights_root",
                wrong=f"is {spec.weights_root}, and {head.spec.weights_root} on {head.host}, which "
                f"serves {head.instance.name} with this host",
                right="give each host of them the same",
            )
        yield from _agent(one, head, spec)


def _agent(one: Rank, head: Member, spec: "HostSpec") -> Iterator[Fault]:
    """By their agents the hosts know of each other how far they are."""
    path, name = f"{one.host}/agent", head.instance.name
    if spec.agent is None:
        yield Fault(
            path=path, wrong=f"is missing while {name} is served over several hosts",
            right="give the host agent=Agent(), which tells the others how far it is",
        )  # fmt: skip
    elif not spec.agent.address.is_unspecified and spec.agent.address != one.address:
        yield Fault(
            path=f"{path}/address",
            wrong=f"is {spec.agent.address}, where the other hosts of {name} do not ask",
            right=f"should be {one.address} or 0.0.0.0",
        )
    elif head.spec.agent and spec.agent.port != head.spec.agent.port:
        yield Fault(
            path=f"{path}/port",
            wrong=f"is {spec.agent.port}, and {head.spec.agent.port} on {head.host}",
            right=f"give each host of {name} the same",
        )
