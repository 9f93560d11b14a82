"""A server that wants to see a certificate, asked by one."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import durable
import places
import pytest
import served

from tests.roles.hostside.staged import Host
from tests.standins.mindie.authority import Authority


class Answer(BaseHTTPRequestHandler):
    """Says the same to everybody who has come so far."""

    def do_POST(self) -> None:  # the library's name
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"choices": [{"message": {"content": "4"}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingTCPServer):
    """Shakes hands in the thread of each client, and does not mind those that cannot."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """See ``BaseServer``."""


def _put(folder: Path, name: str, pair: tuple[bytes, bytes]) -> tuple[str, str]:
    files = folder / f"{name}.pem", folder / f"{name}.key"
    for file, content in zip(files, pair, strict=True):
        file.write_bytes(content)
    return str(files[0]), str(files[1])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """What a release says that it is asked by."""
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    _put(tmp_path, "server", authority.pair("server"))
    certificate, key = _put(tmp_path, "client", authority.pair("client"))
    return {"ca": str(tmp_path / "ca.pem"), "certificate": certificate, "key": key}


def _of(host: Host, **about: Any) -> served.Server:
    host.stage("secured", **about)
    durable.link(f"{places.instance('chat')}/secrets", f"{places.secrets('chat')}/g1")
    return served.of("chat", "secured")


@pytest.fixture
def port(files: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """Where it listens."""
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    secure.load_verify_locations(files["ca"])
    secure.verify_mode = ssl.CERT_REQUIRED
    with Server(("127.0.0.1", 0), Answer) as server:
        server.socket = secure.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def test_certificate_is_shown(host: Host, files: dict[str, str], port: int) -> None:
    assert _of(host, port=port, https=files).complete("2 + 2 =", 1, 5) == (200, "4")
    plain = served.Server("127.0.0.1", port, "canary", "")
    with pytest.raises(served.NO_ANSWER):
        plain.complete("2 + 2 =", 1, 5)


def test_process_of_the_unit_has_its_key_of_systemd(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not read where the key lies."""
    (tmp_path / "api-key").write_text("sesame\n")
    opened = open

    def refused(file: Any, *words: Any, **more: Any) -> Any:
        if str(file).startswith(places.instance("chat")):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *words, **more)

    monkeypatch.setattr("builtins.open", refused)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(PermissionError):
        served.of("chat", "old")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert served.of("chat", "old").key == "sesame"


def test_server_of_a_stranger_is_not_asked(
    host: Host, files: dict[str, str], port: int, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(Authority().pem)
    asked = _of(host, port=port, https=files | {"ca": str(tmp_path / "other.pem")})
    with pytest.raises(ssl.SSLCertVerificationError):
        asked.complete("2 + 2 =", 1, 5)


@pytest.mark.parametrize("content", [None, "no PEM"])
def test_files_that_cannot_be_read(
    host: Host, files: dict[str, str], tmp_path: Path, content: str | None
) -> None:
    file = Path(files["certificate"])
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    told = f"{file} and {files['key']} are not what MindIE can be asked by"
    with pytest.raises(OSError, match=told):
        _of(host, https=files)
