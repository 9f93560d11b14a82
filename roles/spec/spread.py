"""How a host takes part in spreading weights from host to host."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from pydantic import Field

from roles.spec.base import Fault, Spec


class Spread(Spec):
    """
    Weights come to one host from their sources, and from there to all others that have this too,
    each giving what it has to the others; for as long as a run takes.

    :param network: that the hosts reach each other by; each has one address in it
    :param port: TCP, open between these hosts
    :param depot: whether the sources are asked by this host rather than by another; without any
        depot, the first of the hosts asks them
    """

    network: IPv4Network
    port: int = Field(default=29650, ge=1024, le=65535)
    depot: bool = False

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.network.num_addresses < 4:
            yield Fault(
                path="network",
                wrong=f"{self.network} has no room for two hosts",
                right="name the network of all hosts, as in 10.0.0.0/16",
            )
