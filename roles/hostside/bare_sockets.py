"""
Sockets as Python has them in C: to import ``socket``, which is around them, takes a host longer
than all that it is wanted for here.
"""

from __future__ import annotations

import _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOCAL, INET, INET6 = _socket.AF_UNIX, _socket.AF_INET, _socket.AF_INET6
NETLINK = _socket.AF_NETLINK
STREAM, RAW = _socket.SOCK_STREAM, _socket.SOCK_RAW


def connected(family: int, kind: int, address: Any, protocol: int = 0) -> int:
    """
    Return the descriptor of a socket, connected to an address as ``socket`` has it.

    :raises OSError: it cannot be, and why
    """
    made = _socket.socket(family, kind, protocol)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made.detach()


def address_text(address: bytes) -> str:
    """Return an address of IPv6 as text writes it."""
    return _socket.inet_ntop(INET6, address)
