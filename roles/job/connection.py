"""The SSH connection: noticed when it is lost, made again."""

import socket
import time

from pyinfra.api import Host
from pyinfra.api.exceptions import ConnectError
from pyinfra.connectors.ssh import SSHConnector

_ALIVE_EVERY_S = 10
_LOST_AFTER_MS = 30_000
_RETRY_FOR_S = 300
_RETRY_EVERY_S = 5
_MADE_AGAIN = "metalserve connections made again"


def tune(host: Host) -> None:
    """Notice within seconds that the other end is gone."""
    transport = _transport(host)
    if transport is None:
        return
    transport.set_keepalive(_ALIVE_EVERY_S)
    sock = transport.sock
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_AFTER_MS)


def lost(host: Host) -> bool:
    """Say whether the connection is gone, or could not be made again."""
    if not isinstance(host.connector, SSHConnector):
        return False
    transport = _transport(host)
    return transport is None or not transport.is_active()


def again(host: Host) -> bool:
    """Connect again, for as long as a host takes to boot; say whether it worked."""
    deadline = time.monotonic() + _RETRY_FOR_S
    while time.monotonic() < deadline:
        try:
            host.connector.connect()
        except (ConnectError, OSError):
            time.sleep(_RETRY_EVERY_S)
        else:
            tune(host)
            host.connector_data[_MADE_AGAIN] = made_again(host) + 1
            return True
    return False


def made_again(host: Host) -> int:
    """Return how often the connection was lost and made again in this run."""
    return int(host.connector_data.get(_MADE_AGAIN, 0))


def _transport(host: Host):  # type: ignore[no-untyped-def]  # paramiko's, when there is one
    if not isinstance(host.connector, SSHConnector) or host.connector.client is None:
        return None
    return host.connector.client.get_transport()
