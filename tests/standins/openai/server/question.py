"""A request's body, checked, as the question it asks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from . import media
from .errors import RequestError

_ROLES = ("system", "developer", "user", "assistant", "tool")
_MODALITIES = ("image", "video")
_UNLIMITED = 999


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked, and how the answer is wanted."""

    prompt: str
    shown: tuple[str, ...] = ()
    """sha256 of each image and video."""
    max_tokens: int | None = None
    stream: bool = False
    usage: bool = False
    """A stream ends with its token counts."""

    @property
    def tokens(self) -> int:
        """Length of the prompt; words stand in for tokens, so it is never too long."""
        return len(self.prompt.split())


def _invalid(message: str, *, param: str | None = None) -> RequestError:
    """The body is not of the right shape; vLLM has another name for that than for a wrong value."""
    return RequestError(message, kind="Bad Request", param=param)


def body(content: bytes, *, media_type: str) -> dict[str, Any]:
    """The JSON object that a request holds."""
    if media_type.partition(";")[0].strip().lower() != "application/json":
        raise _invalid("Unsupported Media Type: Only 'application/json' is allowed")
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise _invalid(f"JSON decode error: {error}") from None
    if not isinstance(parsed, dict):
        raise _invalid("Input should be a valid dictionary")
    return parsed


def chat(asked: Mapping[str, Any], *, limits: Mapping[str, int], longest: int | None) -> Question:
    """The question of ``/v1/chat/completions``: what the last user message says and shows."""
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _invalid("messages: Field required", param="messages")

    prompt, shown = "", []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise _invalid("messages/role: Field required", param="messages")
        words, found = _content(message.get("content"))
        shown += found
        if message["role"] == "user":
            prompt = words

    for modality in _MODALITIES:
        limit = limits.get(modality, _UNLIMITED)
        if sum(kind == modality for kind, _ in shown) > limit:
            raise RequestError(
                f"At most {limit} {modality}(s) may be provided in one prompt. "
                "Set `--limit-mm-per-prompt` to increase this limit.",
                param=modality,
            )
    digests = tuple(media.digest(url, modality=modality) for modality, url in shown)
    wanted = asked.get("max_completion_tokens", asked.get("max_tokens"))
    return _wishes(Question(prompt, digests), asked, wanted, longest)


def completion(asked: Mapping[str, Any], *, longest: int | None) -> Question:
    """The question of ``/v1/completions``."""
    prompt = asked.get("prompt")
    if not isinstance(prompt, str):
        raise _invalid("prompt: Field required", param="prompt")
    return _wishes(Question(prompt), asked, asked.get("max_tokens", 16), longest)


def _content(content: object) -> tuple[str, list[tuple[str, object]]]:
    """The words of a message, and each of its images and videos with its kind."""
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise _invalid("content: Input should be a valid string or list")
    words, shown = [], []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            words.append(part["text"])
        elif kind in ("image_url", "video_url") and isinstance(part.get(kind), dict):
            shown.append((kind[:5], part[kind].get("url")))
        else:
            raise _invalid(f"Unknown part type: {kind}", param="messages")
    return "\n".join(words), shown


def _wishes(
    question: Question, asked: Mapping[str, Any], max_tokens: object, longest: int | None
) -> Question:
    stream = asked.get("stream") or False
    options = asked.get("stream_options") or {}
    if not isinstance(stream, bool):
        raise _invalid("stream: Input should be a valid boolean", param="stream")
    if not isinstance(options, dict) or (options and not stream):
        raise _invalid("Stream options can only be defined when `stream=True`.")

    if max_tokens is not None:
        if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
            message = f"max_tokens must be at least 1, got {max_tokens}."
            raise RequestError(message, param="max_tokens")
        if longest is not None and max_tokens > longest - question.tokens:
            raise RequestError(
                f"'max_tokens' or 'max_completion_tokens' is too large: {max_tokens}. This "
                f"model's maximum context length is {longest} tokens and your request has "
                f"{question.tokens} input tokens.",
                param="max_tokens",
            )
    usage = bool(options.get("include_usage"))
    return dataclasses.replace(question, max_tokens=max_tokens, stream=stream, usage=usage)
