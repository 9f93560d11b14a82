"""
Answers HAProxy's ``agent-check``: whether an instance of this host may be sent requests.

systemd listens and hands over the socket. A gateway says the name of an instance on a line and is
told ``up ready``, ``drain``, or ``down`` and why. Another host that serves an instance together
with this one says ``rank`` before the name, and is told how far it is here (``ranks.py``). It runs
as nobody in particular and reads only.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver

import ranks
import rotation
import service
import transaction

_WITHIN_S = 2.0
_FIRST_SOCKET = 3
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


def answer(instance: str) -> str:
    """Return what a gateway is told of an instance."""
    if not _NAME.fullmatch(instance):
        return "down #no instance has such a name"
    try:
        described = transaction.described(instance, transaction.current(instance))
        out = rotation.why_out(instance)
    except OSError:
        # A disk that cannot be read says nothing of a server that is in memory.
        return "ready"
    if out:
        return "drain"
    if described is None:
        return "down #nothing is to serve"
    state = service.state(described["unit"])
    if not state:
        # systemd does not say, so that only the server itself can tell.
        return "ready"
    # Both words: one takes back ``down``, the other ``drain``.
    return "up ready" if state == "active" else "down ready #its unit is {}".format(state)


def ranked(instance: str) -> str:
    """Return what the other hosts of an instance over several are told; nothing of any other."""
    return json.dumps(ranks.told(instance) if _NAME.fullmatch(instance) else {})


class Question(socketserver.StreamRequestHandler):
    """One question of a gateway, or of another host."""

    timeout = _WITHIN_S

    def handle(self) -> None:
        """Read the name and answer; whoever says nothing is told nothing."""
        try:
            asked = self.rfile.readline(64).decode("ascii", "replace").strip()
            group, _, name = asked.rpartition(" ")
            said = ranked(name) if group == "rank" else answer(asked)
            self.wfile.write((said + "\n").encode())
        except OSError:
            pass


class Agent(socketserver.ThreadingTCPServer):
    """Answers on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listening: socket.socket) -> None:
        # Not TCPServer's own, which opens a socket, and this process may open none.
        socketserver.BaseServer.__init__(self, listening.getsockname(), Question)
        self.socket = listening


def main() -> None:
    """See the top of the file."""
    Agent(socket.socket(fileno=_FIRST_SOCKET)).serve_forever()


if __name__ == "__main__":
    main()
