"""The pages of the server."""

from __future__ import annotations

import hmac
import json
import select
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from .. import __version__
from . import journal, question, shapes
from .errors import RequestError
from .question import Question

if TYPE_CHECKING:
    from .server import Server


class Handler(BaseHTTPRequestHandler):
    """One connection, and the requests that come along it."""

    protocol_version = "HTTP/1.1"
    server_version = "uvicorn"
    sys_version = ""
    timeout = 5
    server: Server

    def do_GET(self) -> None:
        self._page("GET")

    def do_POST(self) -> None:
        self._page("POST")

    def _page(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        pages: dict[str, tuple[str, Callable[[bytes], None]]] = {
            "/health": ("GET", self._health),
            "/version": ("GET", self._version),
            "/metrics": ("GET", self._metrics),
            "/v1/models": ("GET", self._models),
            "/v1/chat/completions": ("POST", self._chat),
            "/v1/completions": ("POST", self._completion),
        }
        if path.startswith("/v1") and not self._may_pass():
            self._json({"error": "Unauthorized"}, status=401)
        elif path not in pages:
            self._json(shapes.no_such_page(HTTPStatus.NOT_FOUND), status=404)
        elif pages[path][0] != method:
            self._json(shapes.no_such_page(HTTPStatus.METHOD_NOT_ALLOWED), status=405)
        else:
            try:
                pages[path][1](content)
            except RequestError as reason:
                self._json(shapes.refusal(reason), status=reason.status)

    def _may_pass(self) -> bool:
        key = self.server.key
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.encode(), key.encode())
        return not key or (scheme.lower() == "bearer" and same)

    def _health(self, _: bytes) -> None:
        self._send(b"", kind="application/json")

    def _version(self, _: bytes) -> None:
        self._json({"version": __version__})

    def _metrics(self, _: bytes) -> None:
        text = self.server.engine.desk.metrics(self.server.names[0])
        self._send(text.encode(), kind="text/plain; version=0.0.4; charset=utf-8")

    def _models(self, _: bytes) -> None:
        checkpoint = self.server.checkpoint
        root = str(checkpoint.folder)
        self._json(shapes.models(self.server.names, root=root, longest=checkpoint.longest))

    def _chat(self, content: bytes) -> None:
        asked = question.body(content, media_type=self.headers.get("Content-Type", ""))
        model = self._model(asked)
        limits, longest = self.server.arguments.limit_mm_per_prompt, self.server.checkpoint.longest
        self._answer(question.chat(asked, limits=limits, longest=longest), model, chat=True)

    def _completion(self, content: bytes) -> None:
        asked = question.body(content, media_type=self.headers.get("Content-Type", ""))
        model = self._model(asked)
        longest = self.server.checkpoint.longest
        self._answer(question.completion(asked, longest=longest), model, chat=False)

    def _model(self, asked: dict[str, object]) -> str:
        names = self.server.names
        wanted = asked.get("model") or names[0]
        if wanted not in names:
            raise RequestError(
                f"The model `{wanted}` does not exist. Valid aliases: {', '.join(names)}.",
                status=404,
                kind="NotFoundError",
                param="model",
            )
        return str(wanted)

    def _answer(self, asked: Question, model: str, *, chat: bool) -> None:
        if self.server.arguments.enable_log_requests:
            journal.engine(f"Received request: prompt: {asked.prompt!r}")
        reply = shapes.Reply(chat=chat, model=model, prompt_tokens=asked.tokens)
        engine = self.server.engine
        with engine.desk.place():
            pieces = engine.answer(asked, self._listening)
            if not asked.stream:
                said = list(pieces)
                text = "".join(piece for piece, _ in said)
                self._json(reply.whole(text, finish=said[-1][1], tokens=len(said)))
                return
            self._head(200, "text/event-stream; charset=utf-8", length=None)
            for chunk in reply.chunks_begin():
                self._event(json.dumps(chunk))
            tokens = 0
            for piece, finish in pieces:
                tokens += 1
                self._event(json.dumps(reply.chunk(piece, finish=finish or None)))
            if asked.usage:
                self._event(json.dumps(reply.counts(tokens)))
            self._event("[DONE]")
            self.wfile.write(b"0\r\n\r\n")

    def _listening(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return not readable or self.connection.recv(1, socket.MSG_PEEK) != b""

    def _event(self, text: str) -> None:
        line = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _json(self, page: shapes.Json, *, status: int = 200) -> None:
        text = json.dumps(page, separators=(",", ":"), ensure_ascii=False)
        self._send(text.encode(), kind="application/json", status=status)

    def _send(self, content: bytes, *, kind: str, status: int = 200) -> None:
        self._head(status, kind, length=len(content))
        self.wfile.write(content)

    def _head(self, status: int, kind: str, *, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Write an access line as uvicorn does."""
        host, port = self.client_address[:2]
        if len(args) == 3:
            journal.access(f'{host}:{port} - "{args[0]}" {args[1]}')
        else:
            journal.access(f"{host}:{port} - {format % args}")
