"""
A program that passes frames between two links, each as many milliseconds later as it is told.

``delaying.py READY MS NAME NAME`` makes two links of the kernel's ``tap`` kind, which are gone with
it, and the file ``READY`` once it passes on. It needs nothing but Python: a kernel may have neither
netem nor a queue that heeds departure times.
"""

import contextlib
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from pathlib import Path

_TUNSETIFF = 0x400454CA
_TAP, _NO_HEADER = 0x0002, 0x1000
_FRAME = 65536


def main() -> None:
    """Pass frames on until killed."""
    ready, ms, *names = sys.argv[1:]
    taps = [_tap(name) for name in names]
    # Whatever else the machine does, a frame leaves when it is due.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    Path(ready).touch()
    pass_on(taps, float(ms) / 1000)


def pass_on(taps: list[int], delay_s: float) -> None:
    """Pass each frame of one link to the other when it is due."""
    first, second = taps
    other = {first: second, second: first}
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for tap in select.select(taps, [], [], left)[0]:
            due = time.monotonic() + delay_s
            waiting.extend((due, other[tap], frame) for frame in _frames(tap))
        while waiting and waiting[0][0] <= time.monotonic():
            _, tap, frame = waiting.popleft()
            # A link that is down loses frames, as a wire does.
            with contextlib.suppress(OSError):
                os.write(tap, frame)


def _frames(tap: int) -> list[bytes]:
    """Return all frames that are there."""
    found: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while frame := os.read(tap, _FRAME):
            found.append(frame)
    return found


def _tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP | _NO_HEADER))
    return tap


if __name__ == "__main__":
    main()
