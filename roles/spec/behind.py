"""Which instances of an inventory are behind a gateway, and whether it reaches them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from roles.spec.base import Fault
from roles.spec.gateway import Gateway
from roles.spec.instance import Instance
from roles.spec.options import MindieOptions

if TYPE_CHECKING:
    from roles.spec.host import HostSpec


class Behind(NamedTuple):
    """An instance behind a gateway, and the host that it is on."""

    host: str
    spec: "HostSpec"
    instance: Instance


def behind(gateway: Gateway, hosts: Mapping[str, "HostSpec"]) -> dict[str, list[Behind]]:
    """Return the instances behind a gateway by model, in the inventory's order."""
    found: dict[str, list[Behind]] = {model: [] for model in gateway.models}
    for name, spec in hosts.items():
        for instance in spec.instances:
            if instance.served_as in found and not instance.rank(name):
                found[instance.served_as].append(Behind(name, spec, instance))
    return found


def unreached(hosts: Mapping[str, "HostSpec"]) -> Iterator[Fault]:
    """What is wrong between gateways and the hosts behind them."""
    served = sorted({one.served_as for spec in hosts.values() for one in spec.instances})
    for name, spec in hosts.items():
        if spec.gateway is None:
            continue
        for model, members in behind(spec.gateway, hosts).items():
            if not members:
                yield Fault(
                    path=f"{name}/gateway/models/{model}",
                    wrong="is served by no instance",
                    right=f"should be one of {', '.join(served)}"
                    if served
                    else "give a host an instance of it",
                )
            for one in members:
                yield from _unreached(name, one)
            yield from _keys(name, members)


def _unreached(gateway: str, one: Behind) -> Iterator[Fault]:
    if one.instance.address.is_loopback and one.host != gateway and one.instance.keyless:
        # Nothing is said that another fault would take back: it may not listen elsewhere either.
        yield Fault(
            path=f"{one.host}/instances/{one.instance.name}/address",
            wrong=f"is {one.instance.address}, where {one.instance.keyless} has to be, as it asks "
            f"nobody for a key, and where the gateway on {gateway} does not reach it",
            right=f"give {one.host} a gateway of its own, for a model that no other host serves by "
            f"that name, or leave {one.instance.served_as} out of the gateway's models",
        )
    elif one.instance.address.is_loopback and one.host != gateway:
        yield Fault(
            path=f"{one.host}/instances/{one.instance.name}/address",
            wrong=f"is {one.instance.address}, where the gateway on {gateway} does not reach it",
            right="listen on an address of the host's network",
        )
    if isinstance(one.instance.options, MindieOptions) and one.instance.options.https:
        yield Fault(
            path=f"{one.host}/instances/{one.instance.name}/options/https",
            wrong=f"wants a certificate of the gateway on {gateway}, which has none to show",
            right="leave its model out of the gateway's",
        )
    if one.spec.agent is None:
        yield Fault(
            path=f"{one.host}/agent",
            wrong=f"is missing while {one.instance.name} is behind the gateway on {gateway}",
            right="give the host agent=Agent(), which tells gateways when not to send requests",
        )
    elif one.spec.agent.address.is_loopback and one.host != gateway:
        yield Fault(
            path=f"{one.host}/agent/address",
            wrong=f"is {one.spec.agent.address}, where the gateway on {gateway} cannot ask it",
            right="listen on an address of the host's network",
        )


def _keys(gateway: str, members: list[Behind]) -> Iterator[Fault]:
    """A request is given its key before it is known who will answer it."""
    for one in members:
        if one.instance.api_key != members[0].instance.api_key:
            first = f"{members[0].host}/instances/{members[0].instance.name}"
            yield Fault(
                path=f"{one.host}/instances/{one.instance.name}/api_key",
                wrong=f"names another secret than {first}, behind the gateway on {gateway}",
                right="give instances of one model behind a gateway the same",
            )
