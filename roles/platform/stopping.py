"""
Whether the operator has asked this run to stop.

pyinfra says that it leaves, and what runs beside goes on: whoever is about to begin something that
takes a host down looks here first.
"""

import signal
from types import FrameType

_asked: list[int] = []


def watch() -> None:
    """From now on, notice an interrupt, besides whatever pyinfra does with it."""
    before = signal.getsignal(signal.SIGINT)
    if getattr(before, "is_ours", False):
        return

    def noticed(number: int, frame: FrameType | None) -> None:
        _asked.append(number)
        if callable(before):
            before(number, frame)

    noticed.is_ours = True  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, noticed)


def asked() -> bool:
    """Say whether the operator has."""
    return bool(_asked)
