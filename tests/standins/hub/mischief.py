"""What goes wrong on the way, as a test wants it."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random

_LEAST = 1000


@dataclass
class Mischief:
    """
    Faults to come, and what was sent.

    :param drops: how many connections break, each after a random number of bytes; small bodies
        come whole
    :param instead: what a path has instead of its content; its length and hash stay as told
    :param answers: status and headers that a path answers first, one a request
    :param bytes_s: how fast a body goes; 0 is as fast as it can
    :param mute: paths whose bodies never begin
    :param sent: bytes of each path that were handed to the network
    :param ranged: how many requests of each path asked for a range
    :param faults: what no client should do
    """

    seed: int = 1
    drops: int = 0
    instead: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    bytes_s: float = 0
    mute: set[str] = field(default_factory=set)
    without_ranges: bool = False
    sent: Counter[str] = field(default_factory=Counter)
    ranged: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311
        self._alone = threading.Lock()

    def breaks_after(self, length: int) -> int | None:
        """Return after how many bytes a body of ``length`` breaks, ``None`` if it does not."""
        with self._alone:
            if self.drops <= 0 or length < _LEAST:
                return None
            self.drops -= 1
            return self._random.randrange(length)

    def resets(self) -> bool:
        """Say whether a break is a reset rather than an end."""
        with self._alone:
            return self._random.random() < 0.5

    def count(self, path: str, sent: int) -> None:
        """Keep what went out."""
        with self._alone:
            self.sent[path] += sent

    def answer(self, path: str) -> tuple[int, dict[str, str]] | None:
        """Return what a path answers instead, if anything."""
        with self._alone:
            waiting = self.answers.get(path)
            return waiting.pop(0) if waiting else None
