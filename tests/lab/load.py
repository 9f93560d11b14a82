"""Clients that ask a gateway without a pause, plain and streamed, and count what went wrong."""

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

PROMPT, ANSWER = "Hello", "Hello! I am the canary."
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Target:
    """Where a model is asked, and with which key."""

    address: str
    port: int
    key: str
    model: str = "canary"
    within_s: float = 600

    def ask(self, *, path: str = "/v1/chat/completions", **more: Any) -> tuple[int, bytes]:
        """Ask once on a connection of its own; return the status and what came."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=self.within_s)
        try:
            return self.asked(connection, path=path, **more)
        finally:
            connection.close()

    def asked(
        self, connection: http.client.HTTPConnection, *, path: str, **more: Any
    ) -> tuple[int, bytes]:
        """Ask on a connection."""
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 16,
            "temperature": 0,
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        # Who refuses a large request answers before all of it was sent; clients such as httpx read
        # that answer, too.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, json.dumps(asked | more), headers)
        response = connection.getresponse()
        return response.status, response.read()

    def wrong(self, *, stream: bool) -> str:
        """Ask, and say what is wrong with the answer; nothing when it is whole and right."""
        try:
            status, came = self.ask(stream=stream)
            if status != 200:
                return f"{status}: {came.decode()}"
            said = streamed(came) if stream else _plain(came)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return "" if said == ANSWER else f"answered {said!r}"


def streamed(came: bytes) -> str:
    """Return what a stream said; one without an end is no answer."""
    events = [line.removeprefix("data: ") for line in came.decode().splitlines() if line]
    if events[-1:] != ["[DONE]"]:
        raise ValueError(f"the stream broke off after {events[-1:]}")
    chunks = [json.loads(event) for event in events[:-1]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def _plain(came: bytes) -> str:
    return str(json.loads(came)["choices"][0]["message"]["content"])


@dataclass
class Load:
    """Six clients at work from here to the end of a ``with``."""

    target: Target
    clients: int = 6
    right: int = 0
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        for number in range(self.clients):
            thread = threading.Thread(target=self._ask, args=(number % 2 == 1,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, stream: bool) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            wrong = self.target.wrong(stream=stream)
            took = time.monotonic() - began
            with self._lock:
                self.slowest_s = max(self.slowest_s, took)
                if wrong:
                    self.failed.append(f"after {took:.1f} s: {wrong}")
                else:
                    self.right += 1
            time.sleep(_PAUSE_S)
