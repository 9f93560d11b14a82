"""What thinks: it looks the answer up, says it word by word, and misbehaves when told to."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

from .desk import Desk
from .errors import RequestError
from .mischief import Mischief
from .question import Question
from .truth import Truth

_BLINK_S = 0.02
_FATAL = "EngineCore encountered an issue. See stack trace (above) for the root cause."


class Engine:
    """Answers questions, one word being one token."""

    def __init__(self, *, mischief: Mischief, desk: Desk, truth: Truth) -> None:
        self.desk = desk
        self.aborting = threading.Event()
        self._mischief = mischief
        # Every page of it is written to, so that it is there.
        self._held = b"x" * (mischief.hold_mib << 20)
        self._truth = truth

    def answer(
        self, question: Question, listening: Callable[[], bool]
    ) -> Iterator[tuple[str, str]]:
        """
        Pieces of the answer, each with why it ends there: empty until the last one.

        :param listening: whether the asker is still there; nobody talks to the void
        :raises RequestError: at once, when it is to fail
        """
        if self._mischief.fail:
            raise RequestError(_FATAL, status=500, kind="InternalServerError")
        return self._pieces(question, listening)

    def _pieces(
        self, question: Question, listening: Callable[[], bool]
    ) -> Iterator[tuple[str, str]]:
        text = self._mischief.answer
        if text is None:
            text = self._truth.answer(question.prompt, question.shown)
        words = re.findall(r"\s*\S+\s*$|\s*\S+", text) or [""]
        kept = words[: question.max_tokens]
        finish = "stop" if len(kept) == len(words) else "length"

        for place, word in enumerate(kept, start=1):
            if not self._think(self._mischief.answer_s / len(kept), listening):
                self.desk.finished("abort")
                yield "", "abort"
                return
            if place == len(kept):
                self.desk.finished(finish)
            yield word, finish if place == len(kept) else ""

    def _think(self, seconds: float, listening: Callable[[], bool]) -> bool:
        """Take a while; false once the asker has gone or the server has to."""
        until = time.monotonic() + seconds
        while self._mischief.hang or time.monotonic() < until:
            if self.aborting.wait(min(_BLINK_S, seconds or _BLINK_S)) or not listening():
                return False
        return True
