"""Ports of this machine for servers of tests, which no other test takes meanwhile."""

import os
import socket
from collections.abc import Iterator
from itertools import cycle

# Below those that the kernel gives to connections; and below ours.
_FIRST, _EACH = 12_000, 8_000


def _mine() -> Iterator[int]:
    """Go round the ports of one process of pytest, from where a run beside it hardly is."""
    first = _FIRST + _EACH * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    return cycle(first + (os.getpid() * 97 + n) % _EACH for n in range(_EACH))


_ports = _mine()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    for port in _ports:
        with socket.socket() as asked:
            try:
                asked.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: they go round")
