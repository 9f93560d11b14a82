"""
The TCP sockets of this host that listen, by the kernel's own list of just those.

``/proc/net/tcp`` has the connections too, for which the kernel looks through a table that grows
with the machine's memory; it is read where the other does not answer. As in sock_diag(7).
"""

from __future__ import annotations

import os
import struct

import bare_sockets
import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Tuple

_DIAGNOSIS, _BY_FAMILY, _TCP, _LISTENING = 4, 20, 6, 10
# A request that is answered by all there is; of answers, that it changed meanwhile.
_DUMP, _CHANGED = 0x301, 0x10
_FAILED, _DONE = 2, 3
_HEAD = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBxxI48x")
_PORT, _INODE = struct.Struct(">20xH"), struct.Struct("=84xI")


def read() -> List[Tuple[int, str]]:
    """Return port and inode of each."""
    try:
        return [row for family in (bare_sockets.INET, bare_sockets.INET6) for row in _told(family)]
    except (OSError, struct.error):
        return [row for table in ("/proc/net/tcp", "/proc/net/tcp6") for row in _listed(table)]


def _told(family: int) -> Iterator[Tuple[int, str]]:
    descriptor = bare_sockets.connected(bare_sockets.NETLINK, bare_sockets.RAW, (0, 0), _DIAGNOSIS)
    try:
        # The answer is there when the question has been sent, or does not come.
        os.set_blocking(descriptor, False)
        question = _QUESTION.pack(family, _TCP, 1 << _LISTENING)
        head = _HEAD.pack(_HEAD.size + len(question), _BY_FAMILY, _DUMP, 1, 0)
        os.write(descriptor, head + question)
        said = b""
        while True:
            said = said or os.read(descriptor, 1 << 16)
            size, kind, flags, *_ = _HEAD.unpack_from(said)
            if kind == _DONE:
                return
            if kind == _FAILED or flags & _CHANGED:
                raise OSError("the kernel does not tell what listens")
            yield _PORT.unpack_from(said)[0], str(_INODE.unpack_from(said)[0])
            said = said[size + -size % 4 :]
    finally:
        os.close(descriptor)


def _listed(table: str) -> Iterator[Tuple[int, str]]:
    for row in [line.split() for line in (glance.text(table) or "").splitlines()[1:]]:
        if int(row[3], 16) == _LISTENING:
            yield int(row[1].split(":")[1], 16), row[9]
