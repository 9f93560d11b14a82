"""Connections that are quick on short messages, from the first one on."""

import socket
from typing import Any

from paramiko import Transport
from pyinfra.api import Host, State
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import ctx_state

from roles.control.begun import when_begun


class QuickTransport(Transport):
    """
    paramiko's, which leaves ``TCP_NODELAY`` off: what it sends next waits until the host has said
    that it had the last, half a round trip and up to 40 ms later, twice before a host is connected.
    """

    def __init__(self, sock: Any, *given: Any, **more: Any) -> None:
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, *given, **more)


def quicken_connections() -> None:
    """Have this run make such ones."""
    state: State = ctx_state.get()

    def quicken_all() -> None:
        for host in state.inventory:
            quicken(host)

    when_begun(state, quicken_all)


def quicken(host: Host) -> None:
    """Have every connection to a host be such a one, unless its inventory says otherwise."""
    if isinstance(host.connector, SSHConnector):
        data = host.connector.data
        told = data["ssh_paramiko_connect_kwargs"] or {}
        data["ssh_paramiko_connect_kwargs"] = {"transport_factory": QuickTransport, **told}
