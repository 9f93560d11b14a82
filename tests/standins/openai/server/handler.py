"""The pages of the server."""

from __future__ import annotations

import hmac
import json
import select
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from . import question, shapes
from .errors import RequestError
from .question import Question

if TYPE_CHECKING:
    from .server import Server

Pages = Mapping[str, tuple[str, Callable[[bytes], None]]]


class Handler(BaseHTTPRequestHandler):
    """One connection, and the requests that come along it; engines differ in what they refuse."""

    protocol_version = "HTTP/1.1"
    server_version = "uvicorn"
    sys_version = ""
    timeout = 5
    server: Server

    def pages(self) -> Pages:
        """Every page: its method, and what answers."""
        raise NotImplementedError

    def guarded(self, path: str) -> bool:
        """Whether a page is for those alone who have the key."""
        raise NotImplementedError

    def refuse(self, reason: RequestError) -> None:
        """Say why a request is not answered."""
        raise NotImplementedError

    def unauthorized(self) -> None:
        """Say that the key is wrong."""
        self.json({"error": "Unauthorized"}, status=401)

    def no_such_page(self, status: HTTPStatus) -> None:
        """Say that a path is unknown, or has no such method."""
        raise NotImplementedError

    def no_such_model(self, wanted: object) -> RequestError:
        """The refusal of a name that the model does not go by."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self._page("GET")

    def do_POST(self) -> None:
        self._page("POST")

    def _page(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, pages = self.path.partition("?")[0], self.pages()
        if self.guarded(path) and not self._may_pass():
            self.unauthorized()
        elif path not in pages:
            self.no_such_page(HTTPStatus.NOT_FOUND)
        elif pages[path][0] != method:
            self.no_such_page(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            try:
                pages[path][1](content)
            except RequestError as reason:
                self.refuse(reason)

    def _may_pass(self) -> bool:
        key = self.server.key
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.encode(), key.encode())
        return not key or (scheme.lower() == "bearer" and same)

    def chat(self, content: bytes) -> None:
        """Answer ``/v1/chat/completions``."""
        asked = question.body(content, media_type=self.headers.get("Content-Type", ""))
        model = self._model(asked)
        limits, longest = self.server.limits, self.server.checkpoint.longest
        self._answer(question.chat(asked, limits=limits, longest=longest), model, chat=True)

    def completion(self, content: bytes) -> None:
        """Answer ``/v1/completions``."""
        asked = question.body(content, media_type=self.headers.get("Content-Type", ""))
        model = self._model(asked)
        longest = self.server.checkpoint.longest
        self._answer(question.completion(asked, longest=longest), model, chat=False)

    def _model(self, asked: dict[str, object]) -> str:
        names = self.server.names
        wanted = asked.get("model") or names[0]
        if wanted not in names:
            raise self.no_such_model(wanted)
        return str(wanted)

    def heard(self, asked: Question) -> None:
        """A question is about to be answered."""

    def _answer(self, asked: Question, model: str, *, chat: bool) -> None:
        self.heard(asked)
        reply = shapes.Reply(chat=chat, model=model, prompt_tokens=asked.tokens)
        engine = self.server.engine
        with engine.desk.place():
            pieces = engine.answer(asked, self._listening)
            if not asked.stream:
                said = list(pieces)
                text = "".join(piece for piece, _ in said)
                self.json(reply.whole(text, finish=said[-1][1], tokens=len(said)))
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

    def json(self, page: shapes.Json, *, status: int = 200) -> None:
        """Send an object."""
        text = json.dumps(page, separators=(",", ":"), ensure_ascii=False)
        self.send(text.encode(), kind="application/json", status=status)

    def numbers(self, labels: str) -> None:
        """Send what Prometheus reads."""
        text = self.server.engine.desk.metrics(self.server.engine_name, labels)
        self.send(text.encode(), kind="text/plain; version=0.0.4; charset=utf-8")

    def send(self, content: bytes, *, kind: str, status: int = 200) -> None:
        """Send a page."""
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
            self.server.say(f'{host}:{port} - "{args[0]}" {args[1]}')
        else:
            self.server.say(f"{host}:{port} - {format % args}")
