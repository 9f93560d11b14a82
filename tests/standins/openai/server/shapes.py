"""The JSON that goes back."""

from __future__ import annotations

import time
import uuid
from typing import Any

Json = dict[str, Any]


def models(names: list[str], *, owner: str, **about: object) -> Json:
    """The list of names that the model goes by."""
    card = {"object": "model", "created": int(time.time()), "owned_by": owner, "parent": None}
    card |= about
    return {"object": "list", "data": [{"id": name, **card} for name in names]}


class Reply:
    """The answer to one question, whole or in chunks."""

    def __init__(self, *, chat: bool, model: str, prompt_tokens: int) -> None:
        self._chat = chat
        self._prompt_tokens = prompt_tokens
        name = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"
        self._head: Json = {"id": name, "created": int(time.time()), "model": model}

    def whole(self, text: str, *, finish: str, tokens: int) -> Json:
        """The answer in one piece."""
        choice = self._choice({"message": {"role": "assistant", "content": text}}, text, finish)
        return self._page("chat.completion", [choice]) | {"usage": self._usage(tokens)}

    def chunks_begin(self) -> list[Json]:
        """What a stream begins with: for a chat, who speaks."""
        if not self._chat:
            return []
        choice = self._choice({"delta": {"role": "assistant", "content": ""}}, "", None)
        return [self._page("chat.completion.chunk", [choice])]

    def chunk(self, text: str, *, finish: str | None) -> Json:
        """A further piece of the answer."""
        choice = self._choice({"delta": {"content": text}}, text, finish)
        return self._page("chat.completion.chunk", [choice])

    def counts(self, tokens: int) -> Json:
        """The chunk that closes a stream whose asker wants to know its length."""
        return self._page("chat.completion.chunk", []) | {"usage": self._usage(tokens)}

    def _page(self, kind: str, choices: list[Json]) -> Json:
        return {
            "object": kind if self._chat else "text_completion",
            "choices": choices,
        } | self._head

    def _choice(self, chat: Json, text: str, finish: str | None) -> Json:
        said: Json = chat if self._chat else {"text": text}
        return {"index": 0, "logprobs": None, "finish_reason": finish, "stop_reason": None} | said

    def _usage(self, tokens: int) -> Json:
        prompt = self._prompt_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": tokens,
            "total_tokens": prompt + tokens,
        }
