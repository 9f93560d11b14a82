"""What clients talk to, and what tells it which instances may be sent requests."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field, IPvAnyAddress

from roles.spec.base import Fault, Name, RemotePath, Spec, spelled
from roles.spec.secret import Secret

_Model = Annotated[
    str,
    spelled(
        r"(?!v1(/|$))[A-Za-z0-9][A-Za-z0-9._:/-]*",
        "should be a name that clients ask for, such as qwen3-vl, and not begin with v1/",
    ),
]


class Client(Spec):
    """
    Somebody who may ask.

    :param name: what the gateway's log calls them
    :param key: what they show; the host keeps its digest only
    """

    name: Name
    key: Secret = Field(repr=False)


class Agent(Spec):
    """
    Answers gateways whether they may send an instance of its host new requests.

    :param address: where it listens; it tells nothing but which instances are up
    :param port: TCP, open to gateways
    :param asked_every_s: how often gateways ask; an activation waits twice as long before it
        believes that none of them sends any more
    """

    address: IPvAnyAddress = IPv4Address("0.0.0.0")  # noqa: S104  # gateways are other hosts
    port: int = Field(default=29651, ge=1024, le=65535)
    asked_every_s: int = Field(default=2, ge=1, le=60)


class Gateway(Spec):
    """
    HAProxy, as the distribution has it, before every instance of the inventory that serves one of
    the models.

    :param address: where clients reach it; anything but loopback needs clients
    :param models: by the names that clients ask for
    :param clients: who may ask; nobody is asked for a key without them
    :param certificate: a file on the host with certificate, chain and private key; without it the
        wire is plain HTTP
    :param body_limit_mib: requests with more than this are refused; pictures travel in them
    :param answer_within_s: how long nothing may come of an answer
    :param in_flight: requests that an instance is given at a time; more wait in the gateway
    :param queue_within_s: how long they wait before they are refused
    :param own_address: where its health and its metrics are, for whoever watches it
    """

    address: IPvAnyAddress
    port: int = Field(ge=1, le=65535)
    models: tuple[_Model, ...] = Field(min_length=1)
    clients: tuple[Client, ...] = ()
    certificate: RemotePath | None = None
    body_limit_mib: int = Field(default=64, ge=1, le=2047)
    answer_within_s: int = Field(default=3600, ge=10, le=86400)
    in_flight: int = Field(default=256, ge=1, le=4096)
    queue_within_s: int = Field(default=60, ge=1, le=3600)
    own_address: IPvAnyAddress = IPv4Address("127.0.0.1")
    own_port: int = Field(default=29652, ge=1024, le=65535)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if not self.clients and not self.address.is_loopback:
            yield Fault(
                path="clients",
                wrong=f"is empty while the gateway listens on {self.address}",
                right="name a client, or listen on 127.0.0.1",
            )
        if self.own_port == self.port:
            yield Fault(
                path="own_port",
                wrong=f"is {self.own_port}, which clients have",
                right="give its health and metrics a port of their own",
            )
        for path, names in (
            ("models", self.models),
            ("clients", tuple(client.name for client in self.clients)),
        ):
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield Fault(path=f"{path}/{name}", wrong="is there twice", right="name it once")
