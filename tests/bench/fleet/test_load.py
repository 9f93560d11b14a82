"""A request counts as answered when all of a right answer has come, by whoever asks how."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.fleet import load
from bench.fleet.load import Client, Load

RIGHT = dict(load._QUESTIONS)
Serve = Callable[[Callable[[str], tuple[int, str]]], str]


def whole(text: str, finish: str = "stop") -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    page = {"id": "1", "object": "chat.completion", "created": 1, "model": "canary"}
    return json.dumps(page | {"choices": [choice | {"finish_reason": finish}]})


def streamed(text: str, *, ends: bool = True) -> str:
    page = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "canary"}
    pieces: list[tuple[dict[str, str], str | None]] = [({"content": word}, None) for word in text]
    pieces += [({}, "stop")] if ends else []
    chunks = [
        page | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in pieces
    ]
    said = [json.dumps(chunk) for chunk in chunks] + (["[DONE]"] if ends else [])
    return "".join(f"data: {one}\n\n" for one in said)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that says to each question what a test makes of it; return its URL."""
    servers = []

    def start(answer: Callable[[str], tuple[int, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = answer(asked["messages"][0]["content"])
                self.send_response(status)
                kind = "text/event-stream" if asked.get("stream") else "application/json"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(said.encode())))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(url: str, *, stream: bool) -> Load:
    """Have one client ask once."""
    with Load([Client("client-1", "sk-1", url, "canary", stream)]) as asking:
        pass
    return asking


@pytest.mark.parametrize(
    ("stream", "answer", "wrong"),
    [
        (False, lambda prompt: (200, whole(RIGHT[prompt])), ""),
        (True, lambda prompt: (200, streamed(RIGHT[prompt])), ""),
        (False, lambda _: (200, whole("fish")), "answered 'fish', 'Hello! I am the canary.' is"),
        (True, lambda _: (200, streamed("fish")), "answered 'fish', 'Hello! I am the canary.' is"),
        (False, lambda _: (200, whole("Hello!", "length")), "ended by 'length' after 'Hello!'"),
        # A stream without an end is no answer, right as it may be so far.
        (
            True,
            lambda prompt: (200, streamed(RIGHT[prompt], ends=False)),
            "broke off after 'Hello! I am the canary.'",
        ),
        (False, lambda _: (503, "{}"), "InternalServerError: Error code: 503"),
        (True, lambda _: (401, "{}"), "AuthenticationError: Error code: 401"),
    ],
)
def test_answers(
    stream: bool, answer: Callable[[str], tuple[int, str]], wrong: str, serve: Serve
) -> None:
    asking = ask(serve(answer), stream=stream)
    (asked,) = asking.asked
    assert (asked.client, asked.stream, bool(asked.wrong)) == ("client-1", stream, bool(wrong))
    assert asked.wrong.startswith(wrong)
    assert asked.whole is not wrong.startswith(("broke", "InternalServerError", "Authentication"))
    assert asking.failed == ([asked] if wrong else [])
    assert (asking.slowest_s == 0) is bool(wrong)


def test_failure_is_not_tried_again(serve: Serve) -> None:
    came: list[str] = []

    def answer(prompt: str) -> tuple[int, str]:
        came.append(prompt)
        return 503, "{}"

    ask(serve(answer), stream=False)
    assert came == ["Hello"]


def test_nobody_there() -> None:
    (asked,) = ask("http://127.0.0.1:1/v1", stream=False).asked
    assert asked.wrong.startswith("APIConnectionError: Connection error. ([Errno 111]")


def test_clients_ask_different_things(serve: Serve) -> None:
    came: list[str] = []

    def answer(prompt: str) -> tuple[int, str]:
        came.append(prompt)
        return 200, whole(RIGHT[prompt])

    url = serve(answer)
    clients = [Client(f"client-{n}", "sk-1", url, "canary", False) for n in range(3)]
    with Load(clients) as asking:
        pass
    assert sorted(came) == sorted(list(RIGHT)[:3])
    assert asking.failed == []
