"""MindIE's stand-in has HTTPS, and asks clients for certificates."""

import http.client
import ssl
from pathlib import Path

import pytest

from tests.standins.mindie.authority import Authority
from tests.standins.mindie.served import Host

_PLANES = ("tls", "managementTls", "metricsTls")


@pytest.fixture
def secured(host: Host) -> tuple[Host, Authority]:
    """A place with all the files that the shipped settings name, in a home of its own."""
    authority, home = Authority(), host.folder / "own"
    section = host.document["ServerConfig"]
    section["httpsEnabled"] = True
    for plane in _PLANES:
        certificate, key = authority.pair("server")
        _put(home / section[f"{plane}Cert"], certificate)
        _put(home / section[f"{plane}Pk"], key)
        (name,) = section[f"{plane}CaFile"]
        _put(home / section["tlsCaPath"] / name, authority.pem)
        section[f"{plane}CrlFiles"] = []
    return host, authority


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o400)


def _ask(port: int, path: str, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_clients_need_a_certificate(secured: tuple[Host, Authority], tmp_path: Path) -> None:
    host, authority = secured
    with host.start(MIES_INSTALL_PATH=str(host.folder / "own")) as served:
        while "Daemon start success!" not in served.log:
            assert served.process.poll() is None, served.log
        context = ssl.create_default_context(cadata=authority.pem.decode())
        context.check_hostname = False
        for port, path in ((served.business, "/v1/models"), (served.management, "/health")):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                _ask(port, path, context)
        mine = tmp_path / "mine.pem"
        mine.write_bytes(b"".join(authority.pair("client")))
        context.load_cert_chain(mine)
        assert _ask(served.business, "/v1/models", context) == 200
        assert _ask(served.management, "/health", context) == 200
        assert _ask(served.metrics, "/metrics", context) == 500
        other = tmp_path / "other.pem"
        other.write_bytes(b"".join(Authority().pair("client")))
        context.load_cert_chain(other)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _ask(served.business, "/v1/models", context)


@pytest.mark.parametrize(
    ("file", "mode", "what", "told"),
    [
        ("certs/server.pem", None, "serverConfig_.tlsCert", "The input file: server.pem is not a"),
        ("ca/metrics_ca.pem", None, "ServerConfig.metricsTlsCaFile", "The input file: metrics_ca"),
        (
            "keys/management/server.key.pem",
            0o644,
            "ServerConfig.managementTlsPk",
            "Check path: server.key.pem failed, by: Check Other group permission failed: ",
        ),
    ],
)
def test_files_it_refuses(
    secured: tuple[Host, Authority], file: str, mode: int | None, what: str, told: str
) -> None:
    host, _ = secured
    path = host.folder / "own/security" / file
    if mode is None:
        path.unlink()
    else:
        path.chmod(mode)
    said = host.refused(MIES_INSTALL_PATH=str(host.folder / "own"))
    assert f"\nThe {what} path is invalid by: {told}" in said
    assert "[ConfigManager] Checking Config Failed" in said


def test_files_that_lie_elsewhere_or_are_not_named(secured: tuple[Host, Authority]) -> None:
    host, authority = secured
    outside = host.folder / "server.pem"
    _put(outside, authority.pem)
    section = host.document["ServerConfig"]
    section["tlsCert"] = "../server.pem"
    section["tlsCaFile"] = []
    section["tlsCrlFiles"] = ["server_crl.pem"]
    said = host.refused(MIES_INSTALL_PATH=str(host.folder / "own"))
    assert "The file: server.pem is invalid, it's not in baseDir directory.\n" in said
    assert "ERR: serverConfig_.tlsCaFile size must in [1, 3].\n" in said
    assert "ERR: serverConfig_.tlsCrlFiles file not exit .\n" in said


def test_without_any_file(host: Host) -> None:
    host.document["ServerConfig"]["httpsEnabled"] = True
    assert "The serverConfig_.tlsCert path is invalid by: " in host.refused()
