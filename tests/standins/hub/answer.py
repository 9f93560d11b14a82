"""An answer on its way to a client, with what goes wrong there."""

import re
import socket
import struct
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.standins.hub.mischief import Mischief

_BLOCK = 16 * 1024


@dataclass
class Answer:
    """
    What is answered.

    :param path: of the file in its repository, when the body is one: then ranges are kept to
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    path: str | None = None


def send(handler: BaseHTTPRequestHandler, answer: Answer, mischief: Mischief) -> None:
    """Send an answer, or what a test wants instead of it."""
    if answer.path is None or answer.status != 200:
        _whole(handler, answer)
        return
    instead = mischief.answer(answer.path)
    if instead is not None:
        _whole(handler, Answer(*instead, body=b"no"))
        return
    content = mischief.instead.get(answer.path, answer.body)
    first, last, status = 0, len(content) - 1, 200
    asked = handler.headers.get("Range")
    if asked and not mischief.without_ranges:
        mischief.ranged[answer.path] += 1
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if not found:
            mischief.faults.append(f"Range: {asked} is none")
            _whole(handler, Answer(400))
            return
        first, status = int(found[1]), 206
        last = min(int(found[2]), last) if found[2] else last
        if first >= len(content):
            _whole(handler, Answer(416, {"Content-Range": f"bytes */{len(content)}"}))
            return
    handler.send_response(status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
    if not mischief.without_ranges:
        handler.send_header("Accept-Ranges", "bytes")
    handler.send_header("Content-Length", str(last - first + 1))
    handler.end_headers()
    if handler.command != "HEAD":
        _body(handler, answer.path, content[first : last + 1], mischief)


def _whole(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(answer.body)


def _body(handler: BaseHTTPRequestHandler, path: str, body: bytes, mischief: Mischief) -> None:
    if path in mischief.mute:
        mischief.closing.wait(60)
        handler.close_connection = True
        return
    if mischief.bytes_s:
        # Slow as it is, it goes out as it is counted: the kernel would take megabytes at once.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
    breaks = mischief.breaks_after(len(body))
    end = len(body) if breaks is None else breaks
    for at in range(0, end, _BLOCK):
        block = body[at : min(at + _BLOCK, end)]
        handler.wfile.write(block)
        mischief.count(path, len(block))
        if mischief.bytes_s:
            time.sleep(len(block) / mischief.bytes_s)
    if breaks is not None:
        handler.close_connection = True
        if mischief.resets():
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            handler.connection.shutdown(socket.SHUT_RDWR)
