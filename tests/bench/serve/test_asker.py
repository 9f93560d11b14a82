"""Whoever asks notices when a server is gone, and when it is right again, and nothing before."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.serve import asker
from bench.serve.asker import Question
from tests.standins.ports import free_port

QUESTION = Question(0, "canary", "sk-1", "What is 2 + 2?", "4")


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def serving(port: int, answer: str, status: int = 200) -> Iterator[list[dict[str, Any]]]:
    """A server that says one thing; yield what it was asked."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append(body | {"key": self.headers["Authorization"], "path": self.path})
            told = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *words: Any) -> None:  # noqa: A002
            """Say nothing."""

    with _Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield heard
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def question() -> Question:
    """The question, to a port that nobody listens on."""
    return replace(QUESTION, port=free_port())


def test_right_answer(question: Question) -> None:
    with serving(question.port, " 4\n") as heard:
        assert question.right()
    (asked,) = heard
    assert asked["messages"] == [{"role": "user", "content": "What is 2 + 2?"}]
    assert (asked["key"], asked["path"]) == ("Bearer sk-1", "/v1/chat/completions")


def test_no_right_answer(question: Question) -> None:
    assert not question.right()
    assert not question.listens()
    with serving(question.port, "5"):
        assert not question.right()
        assert question.listens()
    with serving(question.port, "4", status=503):
        assert not question.right()


class Scripted(Question):
    """A server that does as it is told, each time that it is looked at."""

    looks: list[tuple[str, bool]]

    def listens(self) -> bool:
        """See ``Question``."""
        return self._next("listens")

    def right(self) -> bool:
        """See ``Question``."""
        return self._next("right")

    def _next(self, asked: str) -> bool:
        wanted, told = self.looks.pop(0)
        assert asked == wanted
        return told


def test_gap() -> None:
    """A server that serves is not asked anything, until it is another one."""
    scripted = Scripted(**asdict(QUESTION))
    looks = [("listens", True), ("listens", True), ("listens", False)]
    looks += [("right", False), ("right", False), ("right", True)]
    object.__setattr__(scripted, "looks", looks)
    began = time.time()
    found = asker.gap(scripted, within_s=60)
    assert scripted.looks == []
    assert began <= found["gone_at"] < found["right_at"] <= time.time()


def test_server_that_stays(question: Question) -> None:
    with (
        serving(question.port, "4"),
        pytest.raises(TimeoutError, match="the server was not gone in time"),
    ):
        asker.gap(question, within_s=0.1)


def test_server_that_does_not_come_back(question: Question) -> None:
    with pytest.raises(TimeoutError, match="the server did not answer right in time"):
        asker.gap(question, within_s=0.1)


def test_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Input:
        def read(self) -> str:
            return asker.asked(QUESTION, within_s=7)

    seen = []

    def gap(question: Question, *, within_s: float) -> dict[str, float]:
        seen.append((question, within_s))
        return {"gone_at": 1.0, "right_at": 2.0}

    monkeypatch.setattr(sys, "stdin", Input())
    monkeypatch.setattr(asker, "gap", gap)
    asker.answer()
    assert seen == [(QUESTION, 7)]
    assert json.loads(capsys.readouterr().out) == {"gone_at": 1.0, "right_at": 2.0}
