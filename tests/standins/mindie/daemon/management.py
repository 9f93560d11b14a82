"""The pages that say how the server is, and the one that ends it."""

from __future__ import annotations

import os
import re
import signal
import time

from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.question import Question

from . import installation
from .handler import Handler, Table

_NAME = r"([\w\-.]+)"
_MOST_S = 600
_OTHERWISE_S = 10
_JUDGED_EVERY_S = 0.1


def ready(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /v2/health/ready``, ``/v2/health/live`` and ``/health``: nothing is there to say."""
    if _serves(handler):
        handler.nothing()


def model_ready(handler: Handler, _: bytes, found: re.Match[str]) -> None:
    """``GET /v2/models/M/ready``."""
    if not _serves(handler):
        return
    if found[1] != handler.service.name:
        raise RequestError(f"Model {found[1]} not found.", status=404)
    handler.nothing()


def timed(handler: Handler, _: bytes, found: re.Match[str]) -> None:
    """``GET /health/timed`` and ``/health/timed-N``: a question of the server's own, in time."""
    if handler.service.stopped.is_set():
        handler.json({"status": "healthy"})
        return
    if not _serves(handler):
        return
    within_s = _within(found[1])
    until = time.monotonic() + within_s
    # The server's own question waits for nobody's place.
    question = Question("Hello", max_tokens=1)
    pieces = handler.server.engine.answer(question, lambda: time.monotonic() < until)
    if any(finish == "abort" for _, finish in pieces):
        # The words are ours.
        raise RequestError(f"Simulated inference took longer than {within_s} s.", status=500)
    handler.json({"status": "healthy"})


def _within(given: str | None) -> int:
    if not given:
        return _OTHERWISE_S
    if len(given) > 4:
        told = f"Max wait time is {_MOST_S}, input is invalid or too long"
        raise RequestError(told, status=404)
    seconds = int(given[1:])
    if not 0 < seconds <= _MOST_S:
        told = f"Wait time should be in range of [1, {_MOST_S}], input is not valid"
        raise RequestError(told, status=404)
    return seconds


def stop(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /stopService``: when all is answered the whole group is told to end."""
    service = handler.service
    if service.stopped.is_set():
        handler.nothing(500)
        return
    service.stopped.set()
    if "mode=Force" not in handler.query:
        while not service.engine.desk.wait_empty(_JUDGED_EVERY_S):
            pass
    handler.nothing()
    handler.wfile.flush()
    os.killpg(os.getpgrp(), signal.SIGTERM)


def info(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /info``."""
    if not _serves(handler):
        return
    service = handler.service
    handler.json(
        {
            "docker_label": None,
            "max_batch_total_tokens": service.schedule["maxPrefillTokens"],
            "max_concurrent_requests": service.schedule["maxBatchSize"],
            "version": installation.ABOUT["version"],
            "models": [{"model_device_type": "npu", "model_id": service.name}],
            "max_input_length": service.deploy["maxInputTokenLen"],
        }
    )


def config(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /v1/config``."""
    service = handler.service
    model = service.model
    handler.json(
        {
            "modelName": service.name,
            "maxSeqLen": service.deploy["maxSeqLen"],
            "npuMemSize": model["npuMemSize"],
            "cpuMemSize": model["cpuMemSize"],
            "worldSize": model["worldSize"],
            "maxOutputLen": service.schedule["maxIterTimes"],
            "cacheBlockSize": service.schedule["cacheBlockSize"],
        }
    )


def status(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /v1/status``: of its numbers, those that the server has."""
    if not _serves(handler):
        return
    running, waiting = handler.service.engine.desk.counts()
    places = handler.service.schedule["maxBatchSize"]
    handler.json(
        {
            "service": {"roleStatus": "RoleReady", "currentRole": "none"},
            "resource": {
                "availSlotsNum": places - running,
                "waitingRequestNum": waiting,
                "runningRequestNum": running,
            },
            "linkStatus": {"peers": []},
        }
    )


def numbers(handler: Handler, _: bytes, __: re.Match[str]) -> None:
    """``GET /metrics``."""
    if os.environ.get("MIES_SERVICE_MONITOR_MODE") != "1":
        told = "Environment variable MIES_SERVICE_MONITOR_MODE is not set."
        raise RequestError(told, status=500)
    service = handler.service
    text = service.numbers.page(service.name, *service.engine.desk.counts())
    handler.send(text.encode(), kind="text/plain; charset=utf-8")


def _serves(handler: Handler) -> bool:
    service = handler.service
    if service.stopped.is_set():
        raise RequestError("The service has been stopped.", status=503)
    if not service.healthy.is_set():
        handler.nothing(503)
        return False
    return True


PAGES: Table = (
    ("GET", "/v2/health/(?:ready|live)", ready),
    ("GET", "/health", ready),
    ("GET", f"/v2/models/{_NAME}/ready", model_ready),
    ("GET", "/health/timed(-[0-9]+)?", timed),
    ("GET", "/stopService", stop),
    ("GET", "/info", info),
    ("GET", "/v1/config", config),
    ("GET", "/v1/status", status),
)
NUMBERS: Table = (("GET", "/metrics", numbers),)
