"""How something grows: the straight line that lies nearest to what was measured."""

from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple


class Line(NamedTuple):
    """
    ``base`` and ``each`` more for every one.

    :param off: how far the farthest value lies from the line, in parts of the value
    """

    base: float
    each: float
    off: float


def line(counts: Sequence[float], values: Sequence[float]) -> Line | None:
    """Return the line by least squares; ``None`` of fewer than three counts, which are any line."""
    if len(set(counts)) < 3:
        return None
    each, base = linear_regression(counts, values)
    pairs = zip(counts, values, strict=True)
    off = max(abs(base + each * count - value) / value for count, value in pairs)
    return Line(base=base, each=each, off=off)
