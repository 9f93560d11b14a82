"""The socket, and how long it outlives the order to stop."""

from __future__ import annotations

import argparse
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from . import journal
from .checkpoint import Checkpoint
from .engine import Engine
from .errors import StartError
from .handler import Handler

_GRACE_S = 0.7


class Server(socketserver.ThreadingTCPServer):
    """A bound port that listens once ``open`` is called."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 2048
    engine: Engine
    checkpoint: Checkpoint

    def __init__(self, arguments: argparse.Namespace, *, reuseport: bool) -> None:
        address = (arguments.host or "", arguments.port)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler, bind_and_activate=False)
        self.arguments = arguments
        self.key = os.environ.get("VLLM_API_KEY", "")
        self.names: list[str] = arguments.served_model_name or [arguments.model]
        host = f"[{address[0]}]" if ":" in address[0] else address[0] or "0.0.0.0"
        self.url = f"http://{host}:{address[1]}"

        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuseport:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with _told(address):
            self.socket.bind(address)

    def open(self) -> None:
        """Listen, and answer from a thread."""
        with _told(self.socket.getsockname()[:2]):
            self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """
        Let go of the port, then of the requests that are being answered.

        With ``--shutdown-timeout`` they have so many seconds, 0 meaning none, as in vLLM; without
        it they have 0.7 seconds, where vLLM has 0.
        """
        wait_s = self.arguments.shutdown_timeout
        mode = "abort" if wait_s == 0 else "drain"
        journal.engine(f"[shutdown] API server: stopping engine client mode={mode}")
        self.shutdown()
        self.server_close()
        if not self.engine.desk.wait_empty(_GRACE_S if wait_s is None else wait_s):
            self.engine.aborting.set()
            self.engine.desk.wait_empty(_GRACE_S / 7)

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up is not worth a traceback."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def _told(address: tuple[str, int]) -> Iterator[None]:
    """Say of a port that is taken what uvicorn says of it."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = f"error while attempting to bind on address {address}"
        raise StartError(f"OSError: [Errno {error.errno}] {where}: {reason}") from None
