"""
When a server that goes away answers right again, seen from where it listens.

``python -m bench.serve.asker`` in a host's network reads from its input whom to ask, and what, and
prints ``{"gone_at", "right_at"}`` in seconds of the epoch. It only knocks until the server is gone:
a request of its own would be one that an activation waits for.
"""

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

_EVERY_S = 0.02
_ANSWER_S = 60.0
NO_ANSWER = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Question:
    """What a server on loopback is asked, and what is right."""

    port: int
    model: str
    key: str
    prompt: str
    expect: str

    def listens(self) -> bool:
        """Say whether somebody takes a connection."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=_ANSWER_S):
                return True
        except OSError:
            return False

    def right(self) -> bool:
        """Say whether it is answered, and right."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt}],
            "max_tokens": 32,
            "temperature": 0,
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_S)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
        except NO_ANSWER:
            return False
        finally:
            connection.close()
        if response.status != 200:
            return False
        return str(json.loads(text)["choices"][0]["message"]["content"]).strip() == self.expect


def first(question: Callable[[], bool], what: str, until: float) -> float:
    """
    Return when something is so for the first time.

    :raises TimeoutError: it was not until then
    """
    while not question():
        if time.time() > until:
            raise TimeoutError(f"the server {what} in time")
        time.sleep(_EVERY_S)
    return time.time()


def gap(question: Question, *, within_s: float) -> dict[str, float]:
    """Return when the server was gone, and when it was right after that."""
    until = time.time() + within_s
    gone_at = first(lambda: not question.listens(), "was not gone", until)
    return {"gone_at": gone_at, "right_at": first(question.right, "did not answer right", until)}


def asked(question: Question, *, within_s: float) -> str:
    """Return the input of this program."""
    return json.dumps({"question": asdict(question), "within_s": within_s})


def answer() -> None:
    """See the top of the file."""
    told = json.load(sys.stdin)
    print(json.dumps(gap(Question(**told["question"]), within_s=told["within_s"])), flush=True)


if __name__ == "__main__":
    answer()
