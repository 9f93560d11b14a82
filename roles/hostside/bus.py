"""
systemd asked over the system's D-Bus, several questions at once; each ``systemctl`` is a process.

Not every host has a bus: whatever is odd is an ``OSError``, and whoever asks has another way. As in
https://dbus.freedesktop.org/doc/dbus-specification.html, of which this has what it needs.
"""

from __future__ import annotations

import os
import select
import time

import bare_sockets
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Tuple

    # Interface, method and arguments, each a text or several.
    Question = Tuple[str, str, List[Any]]

_SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus")
_MANAGER = "org.freedesktop.systemd1.Manager"
_WITHIN_S = 5.0
_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _FAULT, _ANSWERED, _TO, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8


def about(name: str) -> Question:
    """Return the question for what systemd says of itself under a name."""
    return "org.freedesktop.DBus.Properties", "Get", [_MANAGER, name]


def units(*patterns: str) -> Question:
    """Return the question for all units whose names are like one of some."""
    return _MANAGER, "ListUnitsByPatterns", [[], list(patterns)]


def answers(*questions: Question) -> List[Any]:
    """
    Return what systemd answers, in this order.

    :raises OSError: there is no bus, no answer in time, or none that can be understood
    """
    calls = [_call(1, _BUS, (_BUS[0], "Hello", []))]
    calls += [_call(number, _SYSTEMD, one) for number, one in enumerate(questions, 2)]
    # Nothing has to be waited for: neither whether we may ask nor one answer before the next.
    user = "\0AUTH EXTERNAL {}\r\nBEGIN\r\n".format(str(os.geteuid()).encode().hex())
    try:
        descriptor = bare_sockets.connected(bare_sockets.LOCAL, bare_sockets.STREAM, places.BUS)
    except OSError as error:
        raise OSError("{}: {}".format(places.BUS, error.strerror)) from error
    try:
        os.write(descriptor, user.encode() + b"".join(calls))
        found = _told(_Incoming(descriptor), len(calls))
    except (LookupError, ValueError) as error:
        raise OSError("{}: not understood: {}".format(places.BUS, error)) from error
    finally:
        os.close(descriptor)
    return [found[number] for number in range(2, len(calls) + 1)]


def _call(number: int, there: Tuple[str, str], question: Question) -> bytes:
    """Return the message that calls a method of an object, whose name and path are ``there``."""
    interface, method, given = question
    body = _aligned(4, (_text(one) if isinstance(one, str) else _texts(one) for one in given))
    signature = "".join("s" if isinstance(one, str) else "as" for one in given).encode()
    fields = [
        bytes((code, 1)) + kind + b"\0" + _text(text)
        for code, kind, text in (
            (_PATH, b"o", there[1]), (_INTERFACE, b"s", interface), (_MEMBER, b"s", method),
            (_TO, b"s", there[0]),
        )
    ]  # fmt: skip
    fields.append(bytes((_SIGNATURE, 1)) + b"g\0" + bytes((len(signature),)) + signature + b"\0")
    listed = _aligned(8, fields)
    numbers = b"".join(map(_number, (len(body), number, len(listed))))
    return _aligned(8, (b"l" + bytes((_CALL, 0, 1)) + numbers + listed, body))


def _number(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _text(text: str) -> bytes:
    return _number(len(text.encode())) + text.encode() + b"\0"


def _texts(texts: List[str]) -> bytes:
    listed = _aligned(4, map(_text, texts))
    return _number(len(listed)) + listed


def _aligned(size: int, parts: Iterable[bytes]) -> bytes:
    said = b""
    for part in parts:
        said += b"\0" * (-len(said) % size) + part
    return said


def _told(incoming: _Incoming, count: int) -> Dict[int, Any]:
    """Return so many answers, by the numbers of what they answer."""
    said = incoming.line()
    if not said.startswith(b"OK "):
        raise ValueError(said)
    found: Dict[int, Any] = {}
    while len(found) < count:
        head = incoming.take(16)
        order: Any = "little" if head[:1] == b"l" else "big"
        body, fields = (int.from_bytes(head[at : at + 4], order) for at in (4, 12))
        message = _Message(head + incoming.take(fields + -fields % 8 + body), order, at=12)
        told = dict(message.value("a(yv)"))
        if head[1] == _ERROR:
            raise OSError("{}: {}".format(places.BUS, told[_FAULT]))
        if head[1] == _RETURN:
            message.align(8)
            found[told[_ANSWERED]] = message.value(told[_SIGNATURE])
    return found


class _Incoming:
    """What comes, as far as it has come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._said = descriptor, b""
        self._deadline = time.monotonic() + _WITHIN_S

    def line(self) -> bytes:
        while b"\r\n" not in self._said:
            self._wait()
        line, _, self._said = self._said.partition(b"\r\n")
        return line

    def take(self, size: int) -> bytes:
        while len(self._said) < size:
            self._wait()
        taken, self._said = self._said[:size], self._said[size:]
        return taken

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
            raise TimeoutError("{}: no answer within {:.0f} s".format(places.BUS, _WITHIN_S))
        part = os.read(self._descriptor, 1 << 16)
        if not part:
            raise OSError("{}: hung up".format(places.BUS))
        self._said += part


class _Message:
    """Values of a message, each behind the one before."""

    def __init__(self, said: bytes, order: Any, at: int) -> None:
        self._said, self._order, self._at = said, order, at

    def value(self, kind: str) -> Any:
        """Return the next value; of what holds others only lists of several plain ones."""
        if kind in ("s", "o", "g"):
            return self._text(1 if kind == "g" else 4)
        if kind in ("u", "y"):
            return self._number(1 if kind == "y" else 4)
        if kind == "v":
            return self.value(self._text(1))
        if not kind.startswith("a("):
            raise ValueError("a value of kind {}".format(kind))
        length = self._number(4)
        self.align(8)
        end, found = self._at + length, []
        if end > len(self._said):
            raise ValueError("a list that is cut off")
        while self._at < end:
            self.align(8)
            found.append([self.value(one) for one in kind[2:-1]])
        return found

    def align(self, size: int) -> None:
        """Skip what is left between values."""
        self._at += -self._at % size

    def _number(self, size: int) -> int:
        self.align(size)
        self._at += size
        return int.from_bytes(self._said[self._at - size : self._at], self._order)

    def _text(self, size: int) -> str:
        length = self._number(size)
        self._at += length + 1
        return self._said[self._at - length - 1 : self._at - 1].decode()
