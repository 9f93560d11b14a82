"""Lines of code, by which pyinfra knows its operations."""

import sys
from types import FrameType
from typing import NamedTuple

from pyinfra.api import util


class Line(NamedTuple):
    """Where a call is made: what pyinfra reads of ``inspect.Traceback``."""

    filename: str
    lineno: int


def know_lines() -> None:
    """
    Have pyinfra know calls by file and line alone.

    It asks ``inspect`` for every call above every operation of every host, which also reads the
    code around each and looks for its module among all there are: a third of what is worked out
    of a host in which nothing changes.
    """
    util.stack = _calls  # type: ignore[assignment]
    util.getframeinfo = _line  # type: ignore[assignment]


def _calls() -> list[tuple[FrameType]]:
    """Return every call above, the innermost first, as ``inspect.stack`` does."""
    found = []
    # Whoever asks is the first.
    frame: FrameType | None = sys._getframe(1)
    while frame:
        found.append((frame,))
        frame = frame.f_back
    return found


def _line(frame: FrameType) -> Line:
    return Line(frame.f_code.co_filename, frame.f_lineno)
