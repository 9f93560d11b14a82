"""What may be better in a moment: asked again, later each time, for the byte that is missing."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator

import progress
import sources

_PAUSE_S = 1.0
_PAUSE_MAX_S = 30.0


class AgainError(Exception):
    """What may be better in a moment; ``after_s`` is when the other side said so."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class Patience:
    """
    How a source that is far away is asked.

    :param within_s: how long nothing may come before the source is given up
    :param tell: is told of waits
    """

    def __init__(
        self, within_s: float, *, stop: threading.Event, tell: Callable[[str], None]
    ) -> None:
        self.within_s, self.stop, self.tell = within_s, stop, tell

    def blocks(
        self, ask: Callable[[int], Iterator[bytes]], file: Any, offset: int
    ) -> Iterator[bytes]:
        """
        Yield a file's bytes from ``offset`` to its end.

        :param ask: yields bytes from an offset on, and raises ``AgainError`` when no more come
        :raises UnusableError: nothing came for too long
        """
        tries, came_at = 0, time.monotonic()
        while offset < file["size"]:
            try:
                for block in ask(offset):
                    offset += len(block)
                    tries, came_at = 0, time.monotonic()
                    yield block
            except AgainError as error:
                pause = max(error.after_s, min(_PAUSE_S * 2**tries, _PAUSE_MAX_S))
                if time.monotonic() + pause - came_at > self.within_s:
                    raise sources.UnusableError(
                        "{} and wants to be asked again in {}".format(
                            error, progress.duration(pause)
                        )
                        if error.after_s
                        else "{}, for {}".format(error, progress.duration(self.within_s))
                    ) from error
                self.tell("{}, waiting {}".format(error, progress.duration(pause)))
                tries += 1
                if self.stop.wait(pause):
                    raise sources.UnusableError("the fetch was stopped") from error
