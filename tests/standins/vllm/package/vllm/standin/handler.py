"""The pages of vLLM's server."""

from __future__ import annotations

import threading
from http import HTTPStatus

from tests.standins.openai.server import shapes
from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.handler import Handler as Shared
from tests.standins.openai.server.handler import Pages
from tests.standins.openai.server.question import Question

from .. import __version__
from . import journal


class Handler(Shared):
    """It guards what begins with ``/v1`` alone."""

    def pages(self) -> Pages:
        return {
            "/health": ("GET", self._health),
            "/version": ("GET", self._version),
            "/metrics": ("GET", self._metrics),
            "/v1/models": ("GET", self._models),
            "/v1/chat/completions": ("POST", self.chat),
            "/v1/completions": ("POST", self.completion),
        }

    def guarded(self, path: str) -> bool:
        return path.startswith("/v1")

    def refuse(self, reason: RequestError) -> None:
        page = _error(str(reason), kind=reason.kind, status=reason.status, param=reason.param)
        self.json(page, status=reason.status)

    def no_such_page(self, status: HTTPStatus) -> None:
        page = _error(status.phrase, kind=status.phrase, status=status.value, param=None)
        self.json(page, status=status)

    def no_such_model(self, wanted: object) -> RequestError:
        aliases = ", ".join(self.server.names)
        return RequestError(
            f"The model `{wanted}` does not exist. Valid aliases: {aliases}.",
            status=404,
            kind="NotFoundError",
            param="model",
        )

    def heard(self, asked: Question) -> None:
        group = self.server.group  # type: ignore[attr-defined]
        if group and group.lost:
            # The answer comes before the end, as the real one's does.
            threading.Timer(0.2, journal.crash).start()
            raise RequestError(
                "EngineCore encountered an issue. See stack trace (above) for the root cause.",
                status=500,
                kind="InternalServerError",
            )
        if self.server.logs_requests:  # type: ignore[attr-defined]
            journal.engine(f"Received request: prompt: {asked.prompt!r}")

    def _health(self, _: bytes) -> None:
        self.send(b"", kind="application/json")

    def _version(self, _: bytes) -> None:
        self.json({"version": __version__})

    def _metrics(self, _: bytes) -> None:
        self.numbers(f'engine="0",model_name="{self.server.names[0]}"')

    def _models(self, _: bytes) -> None:
        checkpoint = self.server.checkpoint
        about = {"root": str(checkpoint.folder), "max_model_len": checkpoint.longest}
        self.json(shapes.models(self.server.names, owner="vllm", permission=[], **about))


def _error(message: str, *, kind: str, status: int, param: str | None) -> shapes.Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}
