"""A tiny server with the OpenAI API, that answers as a test tells it to."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

GOOD = {"2 + 2 =": "4", "What is in the picture?": "A red circle.", "Are you there?": "Yes"}


@dataclass
class Manner:
    """How a server behaves, and what it was asked."""

    answers: dict[str, str] = field(default_factory=lambda: dict(GOOD))
    key: str = ""
    """What clients must show."""
    status: int = 200
    """Answered to every good request."""
    body: bytes | None = None
    """Sent to every good request, instead of an answer."""
    lines: tuple[bytes, ...] | None = None
    """Sent as a stream, instead of the answer word by word."""
    cut: bool = False
    """Streams break off in the middle."""
    lenient: bool = False
    """Malformed requests are answered as if they were good ones."""
    after_s: float = 0.0
    hang: bool = False
    metrics: Callable[[], str] = lambda: ""
    metrics_status: int = 200
    health: tuple[int, str] = (200, "")
    asked: list[dict[str, Any]] = field(default_factory=list)
    fails_to_start: tuple[str, ...] = ()
    """What it says before it dies, instead of serving."""
    starts_in_s: float = 0.0


class Answering(socketserver.ThreadingTCPServer):
    """The server; it listens from here on."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, manner: Manner, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.manner, self.port = manner, int(self.server_address[1])
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are nothing to speak of."""

    def close(self) -> None:
        """Listen no longer."""
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


@contextmanager
def answering(manner: Manner) -> Iterator[Answering]:
    """A server for the time of a test."""
    server = Answering(manner)
    try:
        yield server
    finally:
        server.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:  # http.server's name
        """Metrics, and whether the engine is well."""
        manner = self.server.manner
        if self.path == "/metrics":
            self._send(manner.metrics_status, manner.metrics().encode())
        elif self.path in ("/health", "/v2/health/ready"):
            self._send(manner.health[0], manner.health[1].encode())
        else:
            self._send(404, b"no such page")

    def do_POST(self) -> None:  # http.server's name
        """Completions."""
        manner = self.server.manner
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        manner.asked.append(asked)
        if manner.hang:
            self.server.over.wait()
            self.close_connection = True
            return
        time.sleep(manner.after_s)
        shown = self.headers.get("Authorization", "")
        if manner.key and shown != f"Bearer {manner.key}":
            self._send(401, b'{"error": "Unauthorized"}')
        elif self.path == "/generate":
            self._generate(asked)
        elif isinstance(asked["messages"], str) and not manner.lenient:
            self._send(400, b'{"error": "messages is no list"}')
        elif manner.status != 200:
            self._send(manner.status, manner.body or b"engine is dead")
        elif manner.body is not None:
            self._send(200, manner.body)
        elif asked.get("stream"):
            self._stream(_answer(manner, asked))
        else:
            said = {"choices": [{"message": {"content": _answer(manner, asked)}}]}
            self._send(200, json.dumps(said).encode())

    def _generate(self, asked: dict[str, Any]) -> None:
        """As MindIE does: the text of the question comes again before the answer."""
        manner = self.server.manner
        (text,) = [part["text"] for part in asked["prompt"] if part["type"] == "text"]
        said = {"text": [f"{text} {manner.answers.get(text, 'I do not know')}"]}
        self._send(manner.status, manner.body or json.dumps(said).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answer: str) -> None:
        lines = self.server.manner.lines or tuple(_chunks(answer))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            self.wfile.flush()
        if self.server.manner.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")


def _answer(manner: Manner, asked: dict[str, Any]) -> str:
    content = asked["messages"]
    if isinstance(content, list):
        content = content[0]["content"]
    if isinstance(content, list):
        content = content[-1]["text"]
    return manner.answers.get(content, "I do not know")


def _chunks(answer: str) -> Iterator[bytes]:
    yield b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
    yield b": ping\n\n"
    for letter in answer:
        chunk = {"choices": [{"delta": {"content": letter}}]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b'data: {"choices": [], "usage": {"total_tokens": 7}}\n\n'
    yield b"data: [DONE]\n\n"
