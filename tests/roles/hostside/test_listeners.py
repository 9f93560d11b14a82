"""What listens is told by the kernel's list, and by its tables where that does not answer."""

import os
import socket
import struct
from collections.abc import Iterator

import bare_sockets
import listeners
import pytest


@pytest.fixture
def listening() -> Iterator[set[tuple[int, str]]]:
    """Port and number of two sockets that listen, beside one that is connected."""
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.create_connection(four.getsockname()),
    ):
        yield {(one.getsockname()[1], str(os.fstat(one.fileno()).st_ino)) for one in (four, six)}


def _ports(listening: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return what is told of the ports of these: others of this machine come and go."""
    ports = {port for port, _ in listening}
    return {row for row in listeners.read() if row[0] in ports}


def test_kernel_lists_what_listens(
    listening: set[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "_listed", None)
    assert _ports(listening) == listening


def _no_list(*_: object) -> int:
    raise OSError(93, "Protocol not supported")


def test_tables_where_there_is_no_list(
    listening: set[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare_sockets, "connected", _no_list)
    assert _ports(listening) == listening


@pytest.mark.parametrize(
    "answer",
    [
        struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -2),
        struct.pack("=IHHII", 16, 3, 0, 1, 0)[:7],
        struct.pack("=IHHII72x", 88, 20, 0x12, 1, 0),
        struct.pack("=IHHII4x", 20, 20, 2, 1, 0),
        b"",
    ],
    ids=["refused", "cut off", "changed meanwhile", "too short", "nothing"],
)
def test_tables_where_the_list_is_odd(
    answer: bytes, listening: set[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*_: object) -> int:
        ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with kernels:
            ours.setblocking(False)
            if answer:
                kernels.send(answer)
        return ours.detach()

    monkeypatch.setattr(bare_sockets, "connected", connected)
    assert _ports(listening) == listening
