"""The JSON of an answer in each of the spellings, whole and in chunks."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from tests.standins.openai.server.question import Question

Json = dict[str, Any]
Pieces = Iterator[tuple[str, str]]
_numbers = itertools.count(1)


class Reply:
    """The answer to one question, whose pieces come one by one."""

    def __init__(self, asked: Question, pieces: Pieces, model: str) -> None:
        self._asked, self._pieces, self._model = asked, pieces, model
        self.id = f"endpoint_common_{next(_numbers)}"

    def text(self) -> tuple[str, str, int]:
        """All of it, why it ends there, and how many tokens it has."""
        said = list(self._pieces)
        return "".join(piece for piece, _ in said), said[-1][1], len(said)

    def chat(self) -> Json:
        """See ``EncodeNonStreamJsonObject``."""
        text, finish, tokens = self.text()
        message = {"role": "assistant", "content": text, "tool_calls": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return self._head("chat.completion") | {"choices": [choice], "usage": self._usage(tokens)}

    def completion(self) -> Json:
        """The same of a text."""
        text, finish, tokens = self.text()
        choice = {"index": 0, "text": text, "logprobs": None, "stop_reason": None}
        choice["finish_reason"] = finish
        return self._head("text_completion") | {"choices": [choice], "usage": self._usage(tokens)}

    def vllm(self) -> Json:
        """An answer of vLLM's spelling begins with what was asked."""
        return {"text": [f"{self._asked.prompt} {self.text()[0]}"]}

    def tgi(self, *, details: bool) -> Json:
        """TGI's answer."""
        text, finish, tokens = self.text()
        if not details:
            return {"generated_text": text}
        told = {
            "prompt_tokens": self._asked.tokens,
            "finish_reason": "length" if finish == "length" else "eos_token",
            "generated_tokens": tokens,
        }
        return {"details": {**told, "prefill": [], "seed": None}, "generated_text": text}

    def triton(self) -> Json:
        """Triton's answer."""
        text, finish, tokens = self.text()
        return {
            "id": self.id,
            "model_name": self._model,
            "model_version": None,
            "text_output": text,
            "details": {"finish_reason": finish, "generated_tokens": tokens},
        }

    def chat_chunks(self) -> Iterator[bytes]:
        """Events; the first is empty, the last has the counts."""
        delta = {"role": "assistant", "content": ""}
        first = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield _event(self._head("chat.completion.chunk") | {"choices": [first]})
        for tokens, (piece, finish) in enumerate(self._pieces, start=1):
            choice = first | {"delta": delta | {"content": piece}}
            choice["finish_reason"] = finish or None
            page = self._head("chat.completion.chunk")
            if finish:
                page["usage"] = self._usage(tokens)
            yield _event(page | {"choices": [choice]})
        yield b"data: [DONE]\n\n"

    def completion_chunks(self) -> Iterator[bytes]:
        """The same of a text."""
        for tokens, (piece, finish) in enumerate(self._pieces, start=1):
            choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": finish or None}
            page = self._head("text_completion") | {"choices": [choice]}
            if finish:
                page["usage"] = self._usage(tokens)
            yield _event(page)
        yield b"data: [DONE]\n\n"

    def vllm_chunks(self) -> Iterator[bytes]:
        """Objects that end with a zero byte, and begin with no prompt."""
        for piece, _ in self._pieces:
            yield json.dumps({"text": [piece]}, ensure_ascii=False).encode() + b"\0"

    def tgi_chunks(self) -> Iterator[bytes]:
        """Events of tokens; the last has all of the text."""
        said = ""
        for number, (piece, finish) in enumerate(self._pieces):
            said += piece
            token = {"id": [number], "text": piece, "logprob": None, "special": None}
            yield _event(
                {"token": token, "generated_text": said if finish else None, "details": None}
            )

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": int(time.time()), "model": self._model}

    def _usage(self, tokens: int) -> Json:
        prompt = self._asked.tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": tokens,
            "total_tokens": prompt + tokens,
        }


def _event(page: Json) -> bytes:
    return f"data: {json.dumps(page, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()
