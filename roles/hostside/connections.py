"""
Requests in flight of a server that does not count them, by what its connections wait for.

A connection on which the client spoke last waits for an answer; one on which the server spoke just
now may be in the middle of one. All others are kept open for later, as clients with a pool do.
"""

from __future__ import annotations

import re
import subprocess

_SPEAKING_MS = 3000


def waiting(port: int) -> int:
    """
    Return how many clients of a TCP port wait for an answer, or are being sent one.

    :raises OSError: ``ss`` of iproute2 is not there, or does not tell
    """
    asked = ["ss", "-H", "-O", "-t", "-n", "-i", "state", "established"]
    said = subprocess.run([*asked, "sport = :{}".format(port)], stdout=subprocess.PIPE, text=True)
    if said.returncode:
        raise OSError("ss does not tell of port {}".format(port))
    return sum(_in_flight(line) for line in said.stdout.splitlines())


def _in_flight(line: str) -> bool:
    """Read what ``ss`` says of one connection: ms since each side was heard, where it was."""
    unread = line.split()[:1]
    if unread and unread[0].isdecimal() and int(unread[0]) > 0:
        return True
    times = dict(re.findall(r"\b(lastsnd|lastrcv):(\d+)", line))
    if "lastsnd" not in times:
        # Somebody else's kernel does not tell: an open connection counts.
        return bool(line.strip())
    sent, heard = int(times["lastsnd"]), int(times.get("lastrcv") or times["lastsnd"])
    return heard < sent or sent < _SPEAKING_MS
