"""The servers of a hub: its API, and the store that it redirects to, which is another origin."""

import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.standins.hub import huggingface, modelscope
from tests.standins.hub.answer import Answer, send
from tests.standins.hub.mischief import Mischief
from tests.standins.hub.repository import Repository, sha256

_SIGNED_S = 600
_KEY = b"the store's own"


class Hub:
    """A hub that answers while its context lasts."""

    def __init__(
        self,
        *repositories: Repository,
        address: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.renamed: dict[str, str] = {}
        self._scheme = "https" if tls else "http"
        self.repositories = {one.name: one for one in repositories}
        self.mischief = Mischief()
        self._servers = [
            _server(address, self._answer, self),
            _server(address, self._stored, self),
        ]
        if tls:
            for server in self._servers:
                server.socket = tls.wrap_socket(server.socket, server_side=True)

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.mischief.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        """The endpoint."""
        return self._url(0)

    @property
    def store(self) -> str:
        """Where large files are."""
        return self._url(1)

    def _url(self, number: int) -> str:
        address, port = self._servers[number].server_address[:2]
        return f"{self._scheme}://{address!s}:{port}"

    def signed(self, path: str, content: bytes) -> str:
        """Return the URL of a file in the store, good for some minutes."""
        until = int(time.time()) + _SIGNED_S
        name = f"/{sha256(content)}/{path}"
        return f"{self.store}{name}?until={until}&signature={_signature(name, until)}"

    def _answer(self, method: str, url: str, headers: Any) -> Answer:
        asked = urlsplit(url)
        query = dict(parse_qsl(asked.query))
        for speaks in (huggingface.answer, modelscope.answer):
            found = speaks(self, method, asked.path, query, headers)
            if found is not None:
                return found
        self.mischief.faults.append(f"{method} {url}: there is no such path")
        return Answer(404, {}, b"")

    def _stored(self, method: str, url: str, headers: Any) -> Answer:
        asked = urlsplit(url)
        query = dict(parse_qsl(asked.query))
        shown = [name for name in ("Authorization", "Cookie") if headers.get(name)]
        if shown:
            # Stores refuse a second way to show who asks, beside the signature.
            self.mischief.faults.append(f"{', '.join(shown)} was shown to the store")
            return Answer(400, {}, b"InvalidArgument: Only one auth mechanism allowed")
        until = int(query.get("until", "0"))
        right = hmac.compare_digest(query.get("signature", ""), _signature(asked.path, until))
        if not right or until < time.time():
            return Answer(403, {}, b"AccessDenied")
        _, name, path = asked.path.split("/", 2)
        for repository in self.repositories.values():
            for files in repository.commits.values():
                if path in files and sha256(files[path]) == name:
                    return Answer(200, {"ETag": f'"{name}"'}, files[path], path)
        return Answer(404, {}, b"NoSuchKey")


def _signature(name: str, until: int) -> str:
    return hmac.new(_KEY, f"{name} {until}".encode(), hashlib.sha256).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what tests want."""


def _server(
    address: str, answer: Callable[[str, str, Any], Answer], hub: Hub
) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            send(self, answer(self.command, self.path, self.headers), hub.mischief)

        do_GET = do_HEAD = do_POST = _do  # noqa: N815

        def log_message(self, format: str, *words: Any) -> None:  # noqa: A002
            """Say nothing."""

    return _Server((address, 0), Handler)
