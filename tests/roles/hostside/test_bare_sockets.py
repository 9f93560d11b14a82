"""Sockets are as those of Python, and none is left open."""

import errno
import os
import socket
from pathlib import Path

import bare_sockets
import pytest


def test_connected(tmp_path: Path) -> None:
    path = tmp_path / "there"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        descriptor = bare_sockets.connected(bare_sockets.LOCAL, bare_sockets.STREAM, str(path))
        with listening.accept()[0] as client:
            os.write(descriptor, b"said")
            assert client.recv(9) == b"said"
        os.close(descriptor)


@pytest.mark.parametrize(
    ("family", "address", "number"),
    [(bare_sockets.LOCAL, "/not there", errno.ENOENT), (999, "/", errno.EAFNOSUPPORT)],
)
def test_what_cannot_be_connected_to(family: int, address: str, number: int) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        bare_sockets.connected(family, bare_sockets.STREAM, address)
    assert raised.value.errno == number
    assert len([*Path("/proc/self/fd").iterdir()]) == before


@pytest.mark.parametrize("text", ["::1", "fd00::7", "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.7"])
def test_address(text: str) -> None:
    assert bare_sockets.address_text(socket.inet_pton(socket.AF_INET6, text)) == text
