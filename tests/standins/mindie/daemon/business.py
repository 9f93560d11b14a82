"""The pages that answer questions, and those that say what may be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.question import Question

from . import asked, installation
from .handler import Handler, Table
from .replies import Json, Reply

_NAME = r"([\w\-.]+)"


def chat(handler: Handler, content: bytes, _: re.Match[str]) -> None:
    """``POST /v1/chat/completions``."""
    service = handler.service
    question = asked.chat(asked.body(content), service.name, service.most_tokens)
    reply = _reply(handler, question)
    _answer(handler, reply.chat, reply.chat_chunks() if question.stream else None)


def completion(handler: Handler, content: bytes, _: re.Match[str]) -> None:
    """``POST /v1/completions``."""
    service = handler.service
    question = asked.completion(asked.body(content), service.name, service.most_tokens)
    reply = _reply(handler, question)
    _answer(handler, reply.completion, reply.completion_chunks() if question.stream else None)


def generate(handler: Handler, content: bytes, _: re.Match[str]) -> None:
    """``POST /generate``: vLLM's spelling where there is a prompt, else TGI's."""
    try:
        found = asked.body(content)
    except RequestError:
        found = {}
    if found.get("prompt") is not None:
        question = asked.vllm(found, handler.service.most_tokens)
        reply = _reply(handler, question)
        _answer(handler, reply.vllm, reply.vllm_chunks() if question.stream else None)
    elif found.get("inputs") is not None:
        _tgi(handler, found, stream=False)
    else:
        raise asked.invalid(
            '{"Error": "`inputs` or `prompt` must be necessary and data type must be string. '
            'Additionally, the request body must be valid json", "error_type": "validation"}'
        )


def generate_stream(handler: Handler, content: bytes, _: re.Match[str]) -> None:
    """``POST /generate_stream``: TGI's spelling."""
    _tgi(handler, asked.body(content), stream=True)


def infer(handler: Handler, content: bytes, _: re.Match[str]) -> None:
    """``POST /infer`` and ``POST /``: as TGI's, with a switch for the stream."""
    found = asked.body(content)
    _tgi(handler, found, stream=found.get("stream") is True)


def triton(handler: Handler, content: bytes, found: re.Match[str]) -> None:
    """``POST /v2/models/M/generate``."""
    _known(handler, found)
    question = asked.triton(asked.body(content), handler.service.most_tokens)
    _answer(handler, _reply(handler, question).triton, None)


def _tgi(handler: Handler, found: Json, *, stream: bool) -> None:
    reply = _reply(handler, asked.tgi(found, handler.service.most_tokens))
    details = bool((found.get("parameters") or {}).get("details"))
    chunks = reply.tgi_chunks() if stream else None
    _answer(handler, lambda: reply.tgi(details=details), chunks)


def _reply(handler: Handler, question: Question) -> Reply:
    service = handler.service
    if service.stopped.is_set():
        raise RequestError("The service has been stopped", status=503)
    service.numbers.count("prompt_tokens_total", question.tokens)
    return Reply(question, handler.pieces(question), service.name)


def _answer(handler: Handler, whole: Callable[[], Json], chunks: Iterator[bytes] | None) -> None:
    """Send an answer, in chunks where there are some."""
    numbers = handler.service.numbers
    numbers.count("request_received_total")
    with handler.service.engine.desk.place():
        if chunks is None:
            handler.json(whole())
        else:
            handler.stream(chunks)
    numbers.count("request_success_total")


def models(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /v1/models``."""
    handler.pretty({"object": "list", "data": [_card(handler)]})


def one_model(handler: Handler, _: bytes, found: re.Match[str]) -> None:
    """``GET /v1/models/M``."""
    _known(handler, found)
    handler.json(_card(handler))


def server(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /v2``."""
    times = handler.service.schedule
    extensions = {
        "max_iter_times": times["maxIterTimes"],
        "prefill_policy_type": times["prefillPolicyType"],
        "decode_policy_type": times["decodePolicyType"],
        "max_prefill_batch_size": times["maxPrefillBatchSize"],
        "max_prefill_tokens": times["maxPrefillTokens"],
    }
    version = installation.ABOUT["version"]
    handler.json({"name": "MindIE Server", "version": version, "extensions": extensions})


def described(handler: Handler, _: bytes, found: re.Match[str]) -> None:
    """``GET /v2/models/M``."""
    _known(handler, found)
    tensor = {"shape": [-1], "datatype": "UINT32"}
    handler.json(
        {
            "name": handler.service.name,
            "platform": "MindIE Server",
            "inputs": [{"name": "input0", **tensor}],
            "outputs": [{"name": "output0", **tensor}],
        }
    )


def configured(handler: Handler, _: bytes, found: re.Match[str]) -> None:
    """``GET /v2/models/M/config``."""
    _known(handler, found)
    model, deploy = handler.service.model, handler.service.deploy
    handler.json(
        {
            "model_name": model["modelName"],
            "max_seq_len": deploy["maxSeqLen"],
            "npu_mem_size": model["npuMemSize"],
            "cpu_mem_size": model["cpuMemSize"],
            "world_size": model["worldSize"],
            "model_weight_path": handler.service.folder.name,
            "model_instance_type": model.get("modelInstanceType", "Standard"),
        }
    )


def _card(handler: Handler) -> Json:
    service = handler.service
    about = {"object": "model", "owned_by": "MindIE Server", "parent": "null"}
    return {"id": service.name, "root": service.folder.name, **about}


def _known(handler: Handler, found: re.Match[str]) -> None:
    if found[1] != handler.service.name:
        raise RequestError(f"Model {found[1]} not found.", status=404)


PAGES: Table = (
    ("POST", "/v1/chat/completions", chat),
    ("POST", "/v1/completions", completion),
    ("POST", "/generate", generate),
    ("POST", "/generate_stream", generate_stream),
    ("POST", "/infer", infer),
    ("POST", "/", infer),
    ("POST", f"/v2/models/{_NAME}/generate", triton),
    ("GET", "/v1/models", models),
    ("GET", f"/v1/models/{_NAME}", one_model),
    ("GET", "/v2", server),
    ("GET", f"/v2/models/{_NAME}", described),
    ("GET", f"/v2/models/{_NAME}/config", configured),
)
