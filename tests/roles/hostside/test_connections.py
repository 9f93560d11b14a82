"""Which connections wait for an answer, as the kernel tells it of real ones."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import connections
import pytest


class Pair:
    """A connection: its client and its server."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self.client = socket.create_connection(("127.0.0.1", self.port))
        self.server, _ = listener.accept()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A connection on which nothing was said for long."""
    monkeypatch.setattr(connections, "_SPEAKING_MS", 100)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Pair(listener)
        time.sleep(0.15)
        yield made
        made.client.close()
        made.server.close()


def test_nobody_is_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert connections.waiting(listener.getsockname()[1]) == 0


def test_from_a_request_to_a_connection_that_is_kept(pair: Pair) -> None:
    """One that a client keeps for later is nothing to wait for."""
    assert connections.waiting(pair.port) == 0
    pair.client.sendall(b"POST")
    assert connections.waiting(pair.port) == 1
    pair.server.recv(4)
    time.sleep(0.15)
    assert connections.waiting(pair.port) == 1
    pair.server.sendall(b"data: ")
    assert connections.waiting(pair.port) == 1
    time.sleep(0.15)
    assert connections.waiting(pair.port) == 0
    pair.client.sendall(b"POST")
    assert connections.waiting(pair.port) == 1


def test_client_that_left(pair: Pair) -> None:
    pair.client.sendall(b"POST")
    pair.client.close()
    assert connections.waiting(pair.port) == 0


def test_kernel_that_does_not_tell_times() -> None:
    assert connections._in_flight("0 0 127.0.0.1:8000 127.0.0.1:5123 cubic rto:204")
    assert not connections._in_flight("")


def test_host_without_ss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        connections.waiting(8000)
    ss = tmp_path / "ss"
    ss.write_text("#!/bin/sh\nexit 1\n")
    ss.chmod(0o755)
    with pytest.raises(OSError, match="ss does not tell of port 8000"):
        connections.waiting(8000)
