"""The hosts that an inventory has, those besides ``--limit`` among them, and what gateways need."""

from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

from pyinfra.api import Host, State

from roles.spec import Gateway, HostSpec, Secret, behind

_known: "WeakKeyDictionary[State, list[tuple[str, Gateway]]]" = WeakKeyDictionary()


class Known(NamedTuple):
    """What an inventory says of its hosts, by name."""

    specs: dict[str, HostSpec]
    reached_at: dict[str, str]


def known(host: Host) -> Known:
    """
    Return all hosts of the inventory that ``host`` is of.

    A gateway must not lose what is behind it because a run was limited to some hosts.
    """
    everybody = [one for one in host.state.inventory if isinstance(one.data.get("spec"), HostSpec)]
    return Known(
        specs={one.name: one.data.spec for one in everybody},
        reached_at={one.name: str(one.data.get("ssh_hostname") or one.name) for one in everybody},
    )


def before(host: Host) -> list[str]:
    """Return the names of the other hosts whose gateways send requests to this one."""
    served = {instance.served_as for instance in host.data.spec.instances}
    return [
        name
        for name, gateway in _gateways(host.state)
        if name != host.name and served.intersection(gateway.models)
    ]


def _gateways(state: State) -> list[tuple[str, Gateway]]:
    """Return every gateway of the inventory, looked for once a run: each host asks."""
    if state not in _known:
        named = [(one.name, one.data.get("spec")) for one in state.inventory]
        _known[state] = [(name, spec.gateway) for name, spec in named if spec and spec.gateway]
    return _known[state]


def keys(host: Host) -> Iterator[tuple[str, Secret]]:
    """Yield every secret that the gateway of a host needs, by where the inventory names it."""
    gateway = host.data.spec.gateway
    if gateway is None:
        return
    for client in gateway.clients:
        yield f"gateway/clients/{client.name}/key", client.key
    for members in behind(gateway, known(host).specs).values():
        for one in members[:1]:
            if one.instance.api_key and one.host != host.name:
                path = f"gateway/models/{one.instance.served_as}"
                yield f"{path} ({one.host}/instances/{one.instance.name})", one.instance.api_key
