"""
Calls of the C library that Python has in ``socket``, which a host takes longer to import than to do
all that it is wanted for here.
"""

from __future__ import annotations

import ctypes
import os
import sys

LOCAL, INET, INET6, NETLINK = 1, 2, 10, 16
STREAM, RAW = 1, 3
_C = ctypes.CDLL(None, use_errno=True)
_LONGEST = 46


def connected(family: int, kind: int, address: bytes, protocol: int = 0) -> int:
    """
    Return the descriptor of a socket, connected to an address: what follows its family there.

    :raises OSError: it cannot be, and why
    """
    whole = family.to_bytes(2, sys.byteorder) + address
    descriptor: int = _C.socket(family, kind, protocol)
    if descriptor >= 0 and _C.connect(descriptor, whole, len(whole)) == 0:
        return descriptor
    number = ctypes.get_errno()
    if descriptor >= 0:
        os.close(descriptor)
    raise OSError(number, os.strerror(number))


def address_text(address: bytes) -> str:
    """Return an address of IPv6 as text writes it."""
    text = ctypes.create_string_buffer(_LONGEST)
    _C.inet_ntop(INET6, address, text, _LONGEST)
    return text.value.decode()
