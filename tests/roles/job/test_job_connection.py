"""The connection over a real socket to a real SSH server: watched, lost, made again."""

import socket
import threading
import time
from collections.abc import Iterator

import paramiko
import pytest
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.exceptions import ConnectError
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.sshuserclient import SSHClient

from roles import job
from roles.job import connection
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


@pytest.fixture
def ends() -> Iterator[tuple[paramiko.Transport, paramiko.Transport]]:
    """Both ends of a connection that is up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    client, server = paramiko.Transport(near), paramiko.Transport(far)
    server.add_server_key(paramiko.ECDSAKey.generate())
    server.start_server(threading.Event(), paramiko.ServerInterface())
    client.start_client(timeout=60)
    yield client, server
    for end in (client, server):
        end.close()
        end.join(60)


@pytest.fixture
def host(ends: tuple[paramiko.Transport, paramiko.Transport]) -> Host:
    """A host at the other end."""
    (found,) = State(Inventory((["gpu-1.example"], {})), Config()).inventory
    assert isinstance(found.connector, SSHConnector)
    found.connector.client = SSHClient()
    vars(found.connector.client)["_transport"] = ends[0]
    return found


def test_tune(host: Host, ends: tuple[paramiko.Transport, paramiko.Transport]) -> None:
    near, _ = ends
    assert isinstance(near.sock, socket.socket)
    job.tune(host)
    assert near.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    # Asked every ten seconds, a host that is gone is noticed within forty.
    assert vars(near.packetizer)["_Packetizer__keepalive_interval"] == 10


def test_lost(host: Host, ends: tuple[paramiko.Transport, paramiko.Transport]) -> None:
    assert not connection.lost(host)
    ends[1].close()
    deadline = time.monotonic() + 60
    while not connection.lost(host):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_before_a_connection(host: Host) -> None:
    """Nothing to tune, and nothing to speak over: as after one that could not be made again."""
    assert isinstance(host.connector, SSHConnector)
    host.connector.client = None
    job.tune(host)
    assert connection.lost(host)


def test_without_ssh(nouns: Nouns) -> None:
    with on_host(nouns.chat(), bare()) as here:
        job.tune(here)
        assert not connection.lost(here)


@pytest.mark.parametrize("fault", [ConnectError("no route"), OSError("reset")])
def test_again(
    host: Host,
    ends: tuple[paramiko.Transport, paramiko.Transport],
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    """A host that boots answers at some time; then the connection is tuned like the first one."""
    faults = [fault, fault]

    def connect() -> None:
        if faults:
            raise faults.pop()

    monkeypatch.setattr(connection, "_RETRY_EVERY_S", 0)
    monkeypatch.setattr(host.connector, "connect", connect)
    assert connection.again(host)
    assert faults == []
    assert isinstance(ends[0].sock, socket.socket)
    assert ends[0].sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_never_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect() -> None:
        raise ConnectError("no route")

    monkeypatch.setattr(connection, "_RETRY_EVERY_S", 0.01)
    monkeypatch.setattr(connection, "_RETRY_FOR_S", 0.05)
    monkeypatch.setattr(host.connector, "connect", connect)
    assert not connection.again(host)
