"""
Clients that ask for as long as something goes on: the real ``openai`` client, plain and streamed.

It may not try again by itself, and an answer counts when it is whole and says what is right.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from types import TracebackType
from typing import Self

from openai import OpenAI, OpenAIError

from inventories.weights import canary
from roles.spec import Kind

PAUSE_S = 0.3
_WITHIN_S = 120.0
_TOKENS = 32
_QUESTIONS = [(c.prompt, c.expect) for c in canary.WEIGHTS.checks if c.kind is Kind.TEXT]


@dataclass(frozen=True)
class Asked:
    """
    A request.

    :param wrong: what was wrong with its answer; nothing when it was right
    :param whole: whether there was an answer, right or wrong
    """

    client: str
    stream: bool
    began: float
    ended: float
    wrong: str
    whole: bool


@dataclass(frozen=True)
class Client:
    """Somebody who asks one thing after the other."""

    name: str
    key: str
    url: str
    model: str
    stream: bool


class Load:
    """Clients at work from here to the end of a ``with``, and all that they asked."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self.asked: list[Asked] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(client, first))
            for first, client in enumerate(clients)
        ]

    @property
    def failed(self) -> list[Asked]:
        """The requests that failed, in the order of their ends."""
        return sorted((one for one in self.asked if one.wrong), key=lambda one: one.ended)

    @property
    def slowest_s(self) -> float:
        """How long the slowest of those took that were answered right."""
        return max((one.ended - one.began for one in self.asked if not one.wrong), default=0.0)

    def __enter__(self) -> Self:
        """Have all of them begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until the last answer is there."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: Client, first: int) -> None:
        questions = cycle(_QUESTIONS[first % len(_QUESTIONS) :] + _QUESTIONS[:first])
        with OpenAI(
            api_key=client.key, base_url=client.url, max_retries=0, timeout=_WITHIN_S
        ) as openai:
            while True:
                prompt, expected = next(questions)
                began = time.time()
                wrong, whole = _wrong(openai, client, prompt, expected)
                asked = Asked(client.name, client.stream, began, time.time(), wrong, whole)
                self.asked.append(asked)
                if self._over.wait(PAUSE_S):
                    return


def _wrong(openai: OpenAI, client: Client, prompt: str, expected: str) -> tuple[str, bool]:
    """Ask; return what is wrong with the answer, and whether it was whole."""
    try:
        said, finish = (_streamed if client.stream else _plain)(openai, client.model, prompt)
    # What breaks off in the middle of a stream is an error of the library below.
    except Exception as error:
        cause = (
            f" ({error.__cause__})" if isinstance(error, OpenAIError) and error.__cause__ else ""
        )
        return f"{type(error).__name__}: {error}{cause}", False
    if finish is None:
        return f"broke off after {said!r}", False
    if finish != "stop":
        return f"ended by {finish!r} after {said!r}", True
    wrong = f"answered {said!r}, {expected!r} is right"
    return ("" if said.strip() == expected else wrong), True


def _plain(openai: OpenAI, model: str, prompt: str) -> tuple[str, str | None]:
    came = openai.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        max_tokens=_TOKENS,
        temperature=0,
    )
    (choice,) = came.choices
    return choice.message.content or "", choice.finish_reason


def _streamed(openai: OpenAI, model: str, prompt: str) -> tuple[str, str | None]:
    said, finish = "", None
    for chunk in openai.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        max_tokens=_TOKENS,
        temperature=0,
        stream=True,
    ):
        for choice in chunk.choices:
            said += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return said, finish
