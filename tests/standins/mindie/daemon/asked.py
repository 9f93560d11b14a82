"""
Requests, checked in MindIE's words.

After ``single_req_*_infer_interface.cpp`` and ``infer_param.cpp``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.question import Question

from . import media
from .fields import whole

# By the documentation; the newest source has ``maxRequestLength`` MiB, and shows no bracket.
MOST_TEXT = 4194304
_MOST_MEDIA = 200
_MODALITIES = ("image", "video", "audio")
_FLOATS: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("repetition_penalty", 0.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("frequency_penalty", -2.0, 2.0),
)


def body(content: bytes) -> dict[str, Any]:
    """The JSON object that a request holds, whatever type it says it has."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise invalid("Failed to parse request context to json")
    return found


def invalid(message: str) -> RequestError:
    """What is asked is not right."""
    return RequestError(message, status=422)


def chat(asked: Mapping[str, Any], name: str, most: int) -> Question:
    """The question of ``/v1/chat/completions``: what the last message of a user says and shows."""
    model(asked, name)
    messages = asked.get("messages")
    if messages is None:
        raise invalid("Request param contains not messages or messages null")
    if not isinstance(messages, list) or not messages:
        raise invalid("Request param messages not arr or arr is empty")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") is None:
            raise invalid("Request param contains not role or role null")
        if message.get("content") is None:
            raise invalid("Request param contains not content or content null")
    _length(_dump(messages), "Message len not in (0, {}], but the length of inputs is {}")
    prompt, shown = "", list[str]()
    for message in messages:
        words, digests = content(message["content"], "inputs")
        shown += digests
        if message["role"] == "user":
            prompt = words
    return _wishes(Question(prompt, tuple(shown)), asked, "max_tokens", most)


def completion(asked: Mapping[str, Any], name: str, most: int) -> Question:
    """The question of ``/v1/completions``."""
    model(asked, name)
    return vllm(asked, most)


def vllm(asked: Mapping[str, Any], most: int) -> Question:
    """The question of ``/generate`` in vLLM's spelling: a text, or a list of parts."""
    if asked.get("prompt") is None:
        raise invalid("Contains not prompt or prompt null")
    prompt, shown = _text(
        asked["prompt"],
        "prompt",
        "Prompt must be necessary and data type must be string and length in (0, {}], but the "
        "length of inputs is {}",
    )
    return _wishes(Question(prompt, shown), asked, "max_tokens", most)


def tgi(asked: Mapping[str, Any], most: int) -> Question:
    """The question of ``/generate`` in TGI's spelling, and of ``/infer``."""
    if asked.get("inputs") is None:
        raise invalid("Request should contain 'inputs' and the type should be string.")
    prompt, shown = _text(asked["inputs"], "inputs", "Inputs length must be in (0, {}], but got {}")
    parameters = asked.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise invalid("parameters must be object type.")
    wishes = {**parameters, "stream": asked.get("stream")}
    return _wishes(Question(prompt, shown), wishes, "max_new_tokens", most)


def triton(asked: Mapping[str, Any], most: int) -> Question:
    """The question of ``/v2/models/M/generate``."""
    if asked.get("text_input") is None:
        raise invalid("The text_input not found")
    prompt, shown = _text(
        asked["text_input"],
        "text_input",
        "Text_input must be necessary and data type must be string and length in (0, {}], but the "
        "length of inputs is {}",
    )
    return _wishes(Question(prompt, shown), asked.get("parameters") or {}, "max_new_tokens", most)


def model(asked: Mapping[str, Any], name: str) -> None:
    """The model has to be named, by its one name."""
    if asked.get("model") is None:
        raise invalid("Request contains not model or model null")
    if not isinstance(asked["model"], str):
        raise invalid("Request param model must be string")
    if not asked["model"]:
        raise invalid("Request param model must be not empty")
    if asked["model"] != name:
        raise invalid("Model not found")


def content(found: object, field: str) -> tuple[str, tuple[str, ...]]:
    """The words of a text or of its parts, and the digest of what each other part shows."""
    if isinstance(found, str):
        return found, ()
    if not isinstance(found, list):
        raise invalid(f"The type of {field} is abnormal")
    if not found:
        raise invalid(f"{field.capitalize()} arr is empty")
    words, shown = [], []
    for part in found:
        if not isinstance(part, dict):
            raise invalid("Check open ai req parameter error")
        if not isinstance(part.get("text", ""), str):
            raise invalid("Request param text must be string")
        for modality in _MODALITIES:
            if f"{modality}_url" in part:
                if part[f"{modality}_url"] is None:
                    raise invalid(f"Request param {modality}_url null")
                shown.append(media.digest(part, modality))
        if "text" in part:
            words.append(part["text"])
    if len(shown) > _MOST_MEDIA:
        raise invalid(f"The number of multimodal url should be no more than {_MOST_MEDIA}")
    return "\n".join(words), tuple(shown)


def _text(found: object, field: str, too_long: str) -> tuple[str, tuple[str, ...]]:
    _length(found if isinstance(found, str) else _dump(found), too_long)
    return content(found, field)


def _dump(found: object) -> str:
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def _length(text: str, too_long: str) -> None:
    if not 0 < len(text) <= MOST_TEXT:
        raise invalid(too_long.format(MOST_TEXT, len(text)))


def _wishes(question: Question, asked: Mapping[str, Any], tokens: str, most: int) -> Question:
    stream = asked.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise invalid("stream must be boolean type.")
    for name, least, limit in _FLOATS:
        value = asked.get(name)
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise invalid(f"{name} must be float type.")
        if not least <= value <= limit:
            raise invalid(f"Parameter {name} must be in ({least},{limit}], got {value}.")
    wanted = asked.get(tokens)
    if wanted is not None:
        if not whole(wanted):
            raise invalid(f"Parameter {tokens} not number_integer")
        if not 0 < wanted <= 2**31 - 1:
            raise invalid(f"Parameter {tokens} must be (0,{2**31 - 1}], got {wanted}")
    limit_tokens = min(wanted or most, most)
    return Question(
        question.prompt, question.shown, max_tokens=limit_tokens, stream=bool(stream), usage=True
    )
