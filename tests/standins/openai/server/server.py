"""The socket."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .checkpoint import Checkpoint
from .engine import Engine
from .errors import StartError
from .handler import Handler


class Server(socketserver.ThreadingTCPServer):
    """A bound port that listens once ``open`` is called."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 2048
    engine: Engine
    checkpoint: Checkpoint
    engine_name: str
    key: str
    names: list[str]
    limits: Mapping[str, int]
    """Images and videos that a request may hold."""

    def __init__(
        self, host: str, port: int, handler: type[Handler], *, reuseport: bool = False
    ) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), handler, bind_and_activate=False)
        shown = f"[{host}]" if ":" in host else host or "0.0.0.0"
        self.url = f"http://{shown}:{port}"

        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuseport:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with _told((host, port)):
            self.socket.bind((host, port))

    def say(self, message: str) -> None:
        """Write a line of the access log."""
        raise NotImplementedError

    def open(self) -> None:
        """Listen, and answer from a thread."""
        with _told(self.socket.getsockname()[:2]):
            self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def finish(self, within_s: float, then_s: float) -> None:
        """Let go of the port, then of the requests that are being answered."""
        self.shutdown()
        self.server_close()
        if not self.engine.desk.wait_empty(within_s):
            self.engine.aborting.set()
            self.engine.desk.wait_empty(then_s)

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
