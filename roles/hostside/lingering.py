"""
Wait until the ports of an instance are free of connections that have ended.

``lingering.py INSTANCE`` runs before a server that takes its ports without asking for their reuse:
whoever closes a connection first, as MindIE does after each answer, leaves it on the port for 60 s,
and MindIE takes such a port for one that somebody else has (MindIE-LLM, ``IsPortUsed`` in
``http_server.cpp``). A model that loads within a minute would find it so, and not start.
"""

from __future__ import annotations

import sys
import time
from typing import List, Sequence

import transaction

# The kernel forgets them after 60 s, which nothing can change.
_WITHIN_S = 65.0
_EVERY_S = 0.5
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_TIME_WAIT = "06"


def lingering(ports: Sequence[int]) -> List[int]:
    """Return those of the ports on which the kernel still remembers a connection that ended."""
    found = set()
    for table in _TABLES:
        try:
            with open(table) as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            # Without IPv6 there is no second one.
            continue
        found |= {int(row[1].split(":")[1], 16) for row in rows if row[3] == _TIME_WAIT}
    return [port for port in ports if port in found]


def wait(ports: Sequence[int]) -> List[int]:
    """Wait until none of them lingers, and return those that still do."""
    deadline = time.monotonic() + _WITHIN_S
    while True:
        left = lingering(ports)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_EVERY_S)


def main() -> None:
    """See the top of the file."""
    instance = sys.argv[1]
    ports = transaction.ports_of(transaction.described(instance, transaction.current(instance)))
    began = time.monotonic()
    left = wait(ports)
    waited = time.monotonic() - began
    if left:
        named = ", ".join(map(str, left))
        print("connections that ended are still remembered on port {}".format(named))
    elif waited >= _EVERY_S:
        print("waited {:.0f} s for connections that had ended".format(waited))


if __name__ == "__main__":
    main()
