"""The pages of the server: Ollama's own, and those in OpenAI's shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import openai, settings
from .errors import RequestError
from .loaded import Loaded

VERSION = "0.33.0"
_IGNORANCE = "I do not know."


class Server(ThreadingHTTPServer):
    """A port that listens from here on."""

    daemon_threads = True

    def __init__(self, wanted: settings.Settings, models: dict[str, Any], loaded: Loaded) -> None:
        self.wanted, self.models, self.loaded = wanted, models, loaded
        super().__init__((wanted.host, wanted.port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection, and the requests that come along it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        tags = [{"name": name, "model": name} for name in self.server.models]
        pages: dict[str, Any] = {
            "/api/version": {"version": VERSION},
            "/api/tags": {"models": tags},
            "/api/ps": {"models": self.server.loaded.page()},
            "/v1/models": openai.models(list(self.server.models)),
        }
        if self.path == "/":
            self._send(b"Ollama is running", kind="text/plain")
        elif self.path in pages:
            self._json(pages[self.path])
        else:
            self._send(b"404 page not found", kind="text/plain", status=404)

    def do_POST(self) -> None:
        pages: dict[str, Callable[[dict[str, Any]], None]] = {
            "/api/generate": self._generate,
            "/api/chat": self._own_chat,
            "/v1/chat/completions": self._chat,
        }
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        page = pages.get(self.path)
        if page is None:
            self._send(b"404 page not found", kind="text/plain", status=404)
            return
        try:
            asked = openai.body(content)
            self._known(asked)
            page(asked)
        except RequestError as reason:
            said = str(reason)
            found = openai.error(said) if self.path.startswith("/v1") else {"error": said}
            self._json(found, status=reason.status)

    def _known(self, asked: dict[str, Any]) -> None:
        name = str(asked.get("model") or "")
        asked["model"] = name if ":" in name else f"{name}:latest"
        if asked["model"] not in self.server.models:
            raise RequestError(f'model "{name}" not found, try pulling it first', status=404)

    def _generate(self, asked: dict[str, Any]) -> None:
        if not asked.get("prompt") and str(asked.get("keep_alive")) == "0":
            self.server.loaded.unload()
            self._json({"model": asked["model"], "response": "", "done_reason": "unload"})
            return
        said = self._answer(asked, str(asked.get("prompt") or ""))
        self._json({"model": asked["model"], "response": said, "done": True})

    def _own_chat(self, asked: dict[str, Any]) -> None:
        if asked.get("stream", True):
            raise RequestError("the stand-in streams in OpenAI's shape alone")
        prompt = openai.question(asked).prompt
        message = {"role": "assistant", "content": self._answer(asked, prompt)}
        self._json({"model": asked["model"], "message": message, "done": True})

    def _chat(self, asked: dict[str, Any]) -> None:
        wanted, model = openai.question(asked), str(asked["model"])
        words = self._answer(asked, wanted.prompt).split(" ")
        limit = wanted.max_tokens or 0
        kept = words[:limit] if limit > 0 else words
        finish = "stop" if kept == words else "length"
        if not wanted.stream:
            self._json(openai.whole(model, " ".join(kept), finish=finish))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, word in enumerate(kept):
            piece = f"{' ' if number else ''}{word}"
            self._event(json.dumps(openai.chunk(model, piece, finish=None)))
        self._event(json.dumps(openai.chunk(model, "", finish=finish)))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, asked: dict[str, Any], prompt: str) -> str:
        wanted = self.server.wanted
        given = asked.get("keep_alive")
        kept_s = wanted.keep_alive_s if given is None else settings.seconds(given)
        return self.server.loaded.answers(asked["model"], kept_s).get(prompt, _IGNORANCE)

    def _event(self, text: str) -> None:
        line = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _json(self, page: object, *, status: int = 200) -> None:
        self._send(json.dumps(page).encode(), kind="application/json", status=status)

    def _send(self, content: bytes, *, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
