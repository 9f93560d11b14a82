"""A connection, and the pages of the planes that it has come to."""

from __future__ import annotations

import json
import re
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.standins.openai.server.errors import RequestError
from tests.standins.openai.server.handler import Handler as Shared
from tests.standins.openai.server.question import Question

from . import planes

if TYPE_CHECKING:
    from .service import Service

KINDS = {
    400: "Bad Request",
    404: "NotFoundError",
    422: "Input Validation Error",
    424: "Generation Error",
    500: "Incomplete Generation",
    503: "Service Unavailable",
}
Page = Callable[["Handler", bytes, "re.Match[str]"], None]
Table = tuple[tuple[str, str, Page], ...]


class Handler(Shared):
    """Every reply closes its connection."""

    server: planes.Plane
    server_version = "MindIE"
    tables: dict[str, Table]
    """The pages of each plane: method, pattern of the path, what answers."""

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(self.timeout)
            self.request.do_handshake()
        super().setup()

    @property
    def service(self) -> Service:
        """What is served."""
        return self.server.service

    @property
    def query(self) -> str:
        """What comes after the path."""
        return self.path.partition("?")[2]

    def _page(self, method: str) -> None:
        self.close_connection = True
        length, most_mib = int(self.headers.get("Content-Length", 0)), self.service.request_mib
        if length > most_mib * 2**20:
            # Read to its end all the same, so that whoever sends it reads the answer.
            while length > 0:
                length -= len(self.rfile.read(min(length, 2**20))) or length
            text = f"Request body too large. Maximum allowed size is {most_mib}MB."
            self.json({"message": text}, status=413)
            return
        content, path = self.rfile.read(length), self.path.partition("?")[0]
        for plane in self.server.planes:
            for wanted, pattern, page in self.tables[plane]:
                found = re.fullmatch(pattern, path)
                if found and wanted == method:
                    self._answer_page(page, content, found)
                    return
        self.send(b"", kind="text/plain", status=404)

    def _answer_page(self, page: Page, content: bytes, found: re.Match[str]) -> None:
        try:
            page(self, content, found)
        except RequestError as reason:
            self.error(str(reason), reason.status)

    def error(self, message: str, status: int) -> None:
        """Say no, in the shape of all planes."""
        self.json({"error": message, "error_type": KINDS[status]}, status=status)

    def nothing(self, status: int = 200) -> None:
        """Say it with the status alone."""
        self.send(b"", kind="text/plain", status=status)

    def pretty(self, page: dict[str, Any]) -> None:
        """Send an object as people read it, its keys in their order."""
        text = json.dumps(page, indent=4, sort_keys=True, ensure_ascii=False)
        self.send(text.encode(), kind="application/json")

    def pieces(self, asked: Question) -> Iterator[tuple[str, str]]:
        """The answer to a question, word by word, as long as somebody listens."""
        return self.server.engine.answer(asked, self._listening)

    def stream(self, chunks: Iterator[bytes], *, kind: str = "text/event-stream") -> None:
        """Send chunks as they come."""
        self._head(200, kind, length=None)
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def end_headers(self) -> None:
        self.send_header("Connection", "close")
        self.send_header("RequestUUID", str(uuid.uuid4()))
        super().end_headers()

    def _listening(self) -> bool:
        if not isinstance(self.connection, ssl.SSLSocket):
            return super()._listening()
        # What is peeked at is not decrypted: all that counts is that there is no end.
        with socket.socket(fileno=socket.dup(self.connection.fileno())) as raw:
            raw.setblocking(False)
            try:
                return raw.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                return True
