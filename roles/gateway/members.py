"""The hosts that an inventory has, those besides ``--limit`` among them, and what gateways need."""

from collections.abc import Iterator
from typing import NamedTuple

from pyinfra.api import Host

from roles.spec import HostSpec, Secret, behind


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
    specs = known(host).specs
    return [
        name
        for name, spec in specs.items()
        if spec.gateway and name != host.name and _sends(name, specs, to=host.name)
    ]


def _sends(name: str, specs: dict[str, HostSpec], *, to: str) -> bool:
    gateway = specs[name].gateway
    found = behind(gateway, specs).values() if gateway else ()
    return any(one.host == to for members in found for one in members)


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
