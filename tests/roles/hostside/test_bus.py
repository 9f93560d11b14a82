"""systemd is asked on a bus, or told from one that is odd; with what a real bus answered."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import bus
import places
import pytest

# Of dbus-daemon 1.14.10 and systemd 252 on a lab host.
_WELCOME = b"OK bf27de4917b023ad3882280e6b092c5a\r\n"
_HELLO = (
    b"l\x02\x01\x01\x0b\0\0\0\x01\0\0\0=\0\0\0\x06\x01s\0\x06\0\0\0:1.187\0\0\x05\x01u\0\x01\0"
    b"\0\0\x08\x01g\0\x01s\0\0\x07\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x06\0\0\0:1.18"
    b"7\0"
)
_ACQUIRED = (
    b"l\x04\x01\x01\x0b\0\0\0\x02\0\0\0\x8d\0\0\0\x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0"
    b"\0\0\x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x03\x01s\0\x0c\0\0\0NameAcquired\0"
    b"\0\0\0\x06\x01s\0\x06\0\0\0:1.187\0\0\x08\x01g\0\x01s\0\0\x07\x01s\0\x14\0\0\0org.freede"
    b"sktop.DBus\0\0\0\0\x06\0\0\0:1.187\0"
)
_VERSION = (
    b"l\x02\x01\x01\x19\0\0\0\x17\x06\0\0-\0\0\0\x05\x01u\0\x02\0\0\0\x06\x01s\0\x06\0\0\0:1.1"
    b"87\0\0\x08\x01g\0\x01v\0\0\x07\x01s\0\x04\0\0\0:1.0\0\0\0\0\x01s\0\0\x10\0\0\x00252.39-1"
    b"~deb12u2\0"
)
_UNITS = (
    b"l\x02\x01\x01\xd6\0\0\0\x18\x06\0\0=\0\0\0\x05\x01u\0\x03\0\0\0\x06\x01s\0\x06\0\0\0:1.1"
    b"87\0\0\x08\x01g\0\ra(ssssssouso)\0\0\0\0\0\0\x07\x01s\0\x04\0\0\0:1.0\0\0\0\0\xce\0\0\0"
    b"\0\0\0\0\x1c\0\0\0metalserve-vllm@chat.service\0\0\0\0\x1e\0\0\0metalserve: vLLM instanc"
    b"e chat\0\0\x06\0\0\0loaded\0\0\x06\0\0\0active\0\0\x07\0\0\0running\0\0\0\0\0\0\0\0\0A\0"
    b"\0\0/org/freedesktop/systemd1/unit/metalserve_2dvllm_40chat_2eservice\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\x01\0\0\0/\0"
)
_REFUSED = (
    b"l\x03\x01\x01M\0\0\0\x19\x06\0\0e\0\0\0\x05\x01u\0\x02\0\0\0\x06\x01s\0\x06\0\0\0:1.188"
    b"\0\0\x04\x01s\0*\0\0\0org.freedesktop.DBus.Error.UnknownProperty\0\0\0\0\0\0\x08\x01g\0"
    b"\x01s\0\0\x07\x01s\0\x04\0\0\0:1.0\0\0\0\0H\0\0\0Unknown interface org.freedesktop.syste"
    b"md1.Manager or property Nonsense.\0"
)
# What they were sent.
_SENT = (
    b"\0AUTH EXTERNAL 30\r\nBEGIN\r\nl\x01\0\x01\0\0\0\0\x01\0\0\0v\0\0\0\x01\x01o\0\x15\0\0\0"
    b"/org/freedesktop/DBus\0\0\0\x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x03\x01s\0"
    b"\x05\0\0\0Hello\0\0\0\x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x08\x01g\0\0\0\0"
    b"\0l\x01\0\x014\0\0\0\x02\0\0\0\x90\0\0\0\x01\x01o\0\x19\0\0\0/org/freedesktop/systemd1\0"
    b"\0\0\0\0\0\0\x02\x01s\0\x1f\0\0\0org.freedesktop.DBus.Properties\0\x03\x01s\0\x03\0\0\0G"
    b"et\0\0\0\0\0\x06\x01s\0\x18\0\0\0org.freedesktop.systemd1\0\0\0\0\0\0\0\0\x08\x01g\0\x02"
    b"ss\0 \0\0\0org.freedesktop.systemd1.Manager\0\0\0\0\x07\0\0\0Version\0l\x01\0\x01#\0\0\0"
    b"\x03\0\0\0\xaa\0\0\0\x01\x01o\0\x19\0\0\0/org/freedesktop/systemd1\0\0\0\0\0\0\0\x02\x01"
    b"s\0 \0\0\0org.freedesktop.systemd1.Manager\0\0\0\0\0\0\0\0\x03\x01s\0\x13\0\0\0ListUnits"
    b"ByPatterns\0\0\0\0\0\x06\x01s\0\x18\0\0\0org.freedesktop.systemd1\0\0\0\0\0\0\0\0\x08"
    b"\x01g\0\x04asas\0\0\0\0\0\0\0\0\0\0\0\x1b\0\0\0\x16\0\0\0metalserve-*@*.service\0"
)
_ANSWERED = _WELCOME + _HELLO + _ACQUIRED + _VERSION + _UNITS


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[bytes]]]:
    """A bus that hears what one client says and says some parts to it, then hangs up."""
    monkeypatch.setattr(places, "BUS", str(tmp_path / "bus"))
    threads: list[threading.Thread] = []

    def serve(listening: socket.socket, parts: tuple[bytes, ...], heard: list[bytes]) -> None:
        with listening, listening.accept()[0] as client:
            heard.append(client.recv(1 << 16))
            # Who understands nothing of it hangs up first.
            with contextlib.suppress(BrokenPipeError):
                for part in parts:
                    client.sendall(part)

    def begin(*parts: bytes) -> list[bytes]:
        heard: list[bytes] = []
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(places.BUS)
        listening.listen(1)
        threads.append(threading.Thread(target=serve, args=(listening, parts, heard)))
        threads[-1].start()
        return heard

    yield begin
    for thread in threads:
        thread.join()


def _asked() -> list[object]:
    return bus.answers(bus.about("Version"), bus.units("metalserve-*@*.service"))


@pytest.mark.parametrize("size", [1, 100, len(_ANSWERED)])
def test_answers_in_any_parts(daemon: Callable[..., list[bytes]], size: int) -> None:
    """And what nobody asked for among them."""
    daemon(*(_ANSWERED[at : at + size] for at in range(0, len(_ANSWERED), size)))
    version, units = _asked()
    assert version == "252.39-1~deb12u2"
    assert units == [
        [
            "metalserve-vllm@chat.service", "metalserve: vLLM instance chat", "loaded", "active",
            "running", "", "/org/freedesktop/systemd1/unit/metalserve_2dvllm_40chat_2eservice", 0,
            "", "/",
        ]
    ]  # fmt: skip


def test_what_is_sent_at_once(
    daemon: Callable[..., list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    heard = daemon(_ANSWERED)
    _asked()
    assert heard == [_SENT]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"REJECTED EXTERNAL\r\n", "not understood: b'REJECTED EXTERNAL'"),
        (_WELCOME + _HELLO + _REFUSED, "org.freedesktop.DBus.Error.UnknownProperty"),
        (_ANSWERED[:-1], "hung up"),
        (b"", "hung up"),
        (_WELCOME + _HELLO + _VERSION.replace(b"\1s\0\0\x10", b"\1x\0\0\x10"), "a value of kind x"),
        (_WELCOME + _HELLO + _UNITS.replace(b"\xce\0", b"\xce\1"), "a list that is cut off"),
    ],
)
def test_odd_bus_is_none(daemon: Callable[..., list[bytes]], said: bytes, why: str) -> None:
    daemon(said)
    with pytest.raises(OSError, match=why) as raised:
        _asked()
    assert str(raised.value).startswith(f"{places.BUS}: ")


def test_silent_bus_is_none(
    daemon: Callable[..., list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "_WITHIN_S", 0.0)
    daemon()
    with pytest.raises(TimeoutError, match="bus: no answer within 0 s"):
        _asked()


@pytest.mark.parametrize("there", ["not there", "a" * 200])
def test_no_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str) -> None:
    monkeypatch.setattr(places, "BUS", f"{tmp_path}/{there}")
    with pytest.raises(OSError, match=there):
        _asked()
