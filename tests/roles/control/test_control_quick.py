"""Connections are quick from their first message on, whatever they go through."""

import socket
from collections.abc import Iterator

import pytest
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.connectors.ssh import SSHConnector

from roles.control import quick


@pytest.fixture
def connected() -> Iterator[socket.socket]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
    ):
        yield near


def _host(name: str, **data: object) -> Host:
    (found,) = State(Inventory(([(name, data)], {})), Config()).inventory
    quick.quicken(found)
    return found


def _further(host: Host) -> dict[str, object]:
    assert isinstance(host.connector, SSHConnector)
    return dict(host.connector.make_paramiko_kwargs()["_pyinfra_ssh_paramiko_connect_kwargs"])


def test_nothing_waits_before_the_first_message(connected: socket.socket) -> None:
    option = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connected.getsockopt(*option) == 0
    quick.QuickTransport(connected).close()
    assert connected.getsockopt(*option) == 1


def test_through_a_program() -> None:
    """What a ProxyCommand is connected to is no socket of TCP."""
    near, far = socket.socketpair()
    with near, far:

        class Program:
            """As ``paramiko.ProxyCommand`` is."""

            send, recv, settimeout, close = near.send, near.recv, near.settimeout, near.close

        through = quick.QuickTransport(Program())
        assert isinstance(through.sock, Program)
        through.close()


def test_every_connection_of_a_host() -> None:
    assert _further(_host("gpu-1.example")) == {"transport_factory": quick.QuickTransport}


def test_what_the_inventory_says_stays() -> None:
    told = {"compress": True, "transport_factory": print}
    assert _further(_host("gpu-1.example", ssh_paramiko_connect_kwargs=told)) == told


def test_without_ssh() -> None:
    assert not isinstance(_host("@local").connector, SSHConnector)
