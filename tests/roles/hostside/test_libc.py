"""The C library is called as Python would call it."""

import errno
import os
import socket
from pathlib import Path

import libc
import pytest


def test_numbers_are_those_of_this_machine() -> None:
    families = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
    assert families == (libc.LOCAL, libc.INET, libc.INET6, libc.NETLINK)
    assert (libc.STREAM, libc.RAW) == (socket.SOCK_STREAM, socket.SOCK_RAW)


def test_connected(tmp_path: Path) -> None:
    path = tmp_path / "there"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        descriptor = libc.connected(libc.LOCAL, libc.STREAM, os.fsencode(path) + b"\0")
        with listening.accept()[0] as client:
            os.write(descriptor, b"said")
            assert client.recv(9) == b"said"
        os.close(descriptor)


@pytest.mark.parametrize(
    ("family", "address", "number"),
    [(libc.LOCAL, b"/not there\0", errno.ENOENT), (999, b"/\0", errno.EAFNOSUPPORT)],
)
def test_what_cannot_be_connected_to(family: int, address: bytes, number: int) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        libc.connected(family, libc.STREAM, address)
    assert raised.value.errno == number
    assert len([*Path("/proc/self/fd").iterdir()]) == before


@pytest.mark.parametrize("text", ["::1", "fd00::7", "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.7"])
def test_address(text: str) -> None:
    assert libc.address_text(socket.inet_pton(socket.AF_INET6, text)) == text
