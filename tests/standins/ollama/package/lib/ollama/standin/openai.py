"""Requests and answers in OpenAI's shapes: what is asked, checked, and the JSON that goes back."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Any

from .errors import RequestError

Json = dict[str, Any]
_ROLES = ("system", "user", "assistant", "tool")


@dataclasses.dataclass(frozen=True)
class Question:
    """What the last user message says, and how the answer is wanted."""

    prompt: str
    max_tokens: int | None
    stream: bool


def body(content: bytes) -> Json:
    """The JSON object that a request holds."""
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise RequestError(f"invalid character: {error}") from None
    if not isinstance(parsed, dict):
        raise RequestError("json: cannot unmarshal value into Go value of type object")
    return parsed


def question(asked: Mapping[str, Any]) -> Question:
    """The question of a chat."""
    messages = asked.get("messages")
    if not isinstance(messages, list):
        raise RequestError("json: cannot unmarshal into Go struct field .messages")
    if not messages:
        raise RequestError("[] is too short - 'messages'")
    prompt = ""
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise RequestError(f"invalid message format: {message!r}")
        words = _words(message.get("content"))
        if message["role"] == "user":
            prompt = words
    tokens, stream = asked.get("max_tokens"), asked.get("stream") or False
    if tokens is not None and (not isinstance(tokens, int) or isinstance(tokens, bool)):
        raise RequestError("json: cannot unmarshal into Go struct field .max_tokens of type int")
    if not isinstance(stream, bool):
        raise RequestError("json: cannot unmarshal into Go struct field .stream of type bool")
    return Question(prompt, tokens, stream)


def _words(content: object) -> str:
    """Text, whole or in parts; no model of these tests sees."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RequestError(f"invalid message content type: {type(content).__name__}")
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise RequestError("invalid message format: this model takes text alone")
    return "\n".join(str(part["text"]) for part in content)


def error(message: str) -> Json:
    """Why a request is not answered."""
    return {"error": {"message": message, "type": "api_error", "param": None, "code": None}}


def models(names: list[str]) -> Json:
    """The models of the store."""
    cards = [{"id": name, "object": "model", "created": 0, "owned_by": "library"} for name in names]
    return {"object": "list", "data": cards}


def whole(model: str, text: str, *, finish: str) -> Json:
    """The answer in one piece."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return _head("chat.completion", model) | {"choices": [choice], "usage": {"total_tokens": 2}}


def chunk(model: str, text: str, *, finish: str | None) -> Json:
    """A further piece of the answer."""
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _head("chat.completion.chunk", model) | {"choices": [choice]}


def _head(kind: str, model: str) -> Json:
    moment = int(time.time())
    return {"id": "chatcmpl-1", "object": kind, "created": moment, "model": model}
