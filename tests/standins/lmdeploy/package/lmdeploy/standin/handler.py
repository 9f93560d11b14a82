"""The pages of LMDeploy's server."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.standins.openai.server import shapes
from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.handler import Handler as Shared
from tests.standins.openai.server.handler import Pages

if TYPE_CHECKING:
    from .server import Server

_OPEN = ("/health", "/docs", "/redoc", "/nodes")


class Handler(Shared):
    """It guards every page but a few, the numbers too."""

    server: Server

    def pages(self) -> Pages:
        found = {
            "/health": ("GET", self._health),
            "/v1/models": ("GET", self._models),
            "/v1/chat/completions": ("POST", self.chat),
            "/v1/completions": ("POST", self.completion),
        }
        return found | ({"/metrics": ("GET", self._metrics)} if self.server.counts else {})

    def guarded(self, path: str) -> bool:
        return not path.startswith(_OPEN)

    def unauthorized(self) -> None:
        if self._old:
            super().unauthorized()
        else:
            self.json(_error("Unauthorized.", "authentication_error", 401), status=401)

    def refuse(self, reason: RequestError) -> None:
        if self._old and reason.kind == "Bad Request":
            # What pydantic refuses, FastAPI's way; later versions have put it into words.
            detail = [{"type": "value_error", "loc": ["body"], "msg": str(reason)}]
            self.json({"detail": detail, "body": None}, status=422)
            return
        kind = "not_found_error" if reason.status == 404 and not self._old else ""
        page = _error(str(reason), kind or "invalid_request_error", reason.status)
        self.json(page, status=reason.status)

    def no_such_page(self, status: HTTPStatus) -> None:
        self.json({"detail": status.phrase}, status=status)

    def no_such_model(self, wanted: object) -> RequestError:
        return RequestError(f"The model {wanted!r} does not exist.", status=404)

    @property
    def _old(self) -> bool:
        return self.server.version.startswith("0.12.")

    def _health(self, _: bytes) -> None:
        if self._old:
            self.send(b"", kind="text/plain")
        else:
            self.json({"status": "healthy"})

    def _metrics(self, _: bytes) -> None:
        self.send(self.server.told.encode(), kind="text/plain; version=1.0.0; charset=utf-8")

    def _models(self, _: bytes) -> None:
        names = self.server.names
        self.json(shapes.models(names, owner="lmdeploy", root=names[0], permission=[]))


def _error(message: str, kind: str, status: int) -> shapes.Json:
    about = {"message": message, "type": kind, "code": status}
    return about | {"param": None, "object": "error"}
