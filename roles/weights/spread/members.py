"""Which hosts of a run bring a model together, and what they know of each other."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from gevent.lock import BoundedSemaphore
from pyinfra.api import Host, State

from roles import probe
from roles.spec import HostSpec, Spread, Weights
from roles.weights.receipt import receipt


class Member(NamedTuple):
    """A host that takes part, and how."""

    host: Host
    spread: Spread


@dataclass(eq=False)
class Swarm:
    """
    The hosts that need a model or have it, in the inventory's order.

    :param network: that they reach each other by
    :param holding: names of the hosts that have all of it
    :param addresses: by name, of the hosts that answered in the network that they share
    :param torrent: in base 64, once a host that has all offered it
    :param turn: held while one host does for all others what one has to do
    """

    weights: Weights
    network: str
    members: list[Member]
    holding: set[str]
    addresses: dict[str, str] = field(default_factory=dict)
    torrent: str | None = None
    turn: BoundedSemaphore = field(default_factory=BoundedSemaphore)

    @property
    def askers(self) -> set[str]:
        """Names of the hosts that may have to ask the sources: nobody once one has all of it."""
        if self.holding:
            return set()
        depots = {member.host.name for member in self.members if member.spread.depot}
        return depots or {member.host.name for member in self.members}

    @cached_property
    def credentials(self) -> dict[str, str]:
        """What members show each other in this run."""
        # Most runs spread nothing, and what makes certificates takes long to come.
        from roles import authority

        return authority.credentials()

    def others(self, name: str) -> list[tuple[str, int]]:
        """Return address and port of everybody that takes part besides the host of a name."""
        return [
            (self.addresses[member.host.name], member.spread.port)
            for member in self.members
            if member.host.name != name and member.host.name in self.addresses
        ]

    def port(self, name: str) -> int:
        """Return the port by which the host of a name takes part."""
        return next(member.spread.port for member in self.members if member.host.name == name)

    def share(self, name: str) -> tuple[int, int]:
        """Return which part of the pieces a host asks for first, and of how many parts."""
        names = [member.host.name for member in self.members]
        taking = [one for one in names if one not in self.holding]
        return (taking.index(name) if name in taking else 0), max(1, len(taking))


_Known = dict[tuple[str, str], Swarm | None]
_known: "WeakKeyDictionary[State, _Known]" = WeakKeyDictionary()


def swarm(host: Host, weights: Weights) -> Swarm | None:
    """
    Return the hosts of the run that ``host`` brings a model with, the same to each of them;
    ``None`` when it has no spread, is alone, or nobody needs anything.
    """
    spec: HostSpec = host.data.spec
    if spec.spread is None:
        return None
    # Not pyinfra.state, which stands for whichever state is current.
    state = host.state
    known = _known.setdefault(state, {})
    key = (weights.digest, str(spec.spread.network))
    if key not in known:
        members = [
            Member(one, one.data.spec.spread)
            for one in state.inventory
            if one in state.active_hosts and _takes_part(one.data.spec, key)
        ]
        holding = {one.name for one, _ in members if _holds(one, weights)}
        together = len(members) > 1 and len(holding) < len(members)
        known[key] = Swarm(weights, key[1], members, holding) if together else None
    return known[key]


def _takes_part(spec: HostSpec, key: tuple[str, str]) -> bool:
    digest, network = key
    return (
        spec.spread is not None
        and str(spec.spread.network) == network
        and any(instance.weights.digest == digest for instance in spec.instances)
    )


def _holds(host: Host, weights: Weights) -> bool:
    phase, digest = receipt(weights, root=host.data.spec.weights_root)
    return probe.drift(host, phase=phase, digest=digest) == []
