"""Ports on which a connection has just ended."""

import socket
import sys
from pathlib import Path

import durable
import lingering
import places
import pytest

from tests.roles.hostside.staged import Host
from tests.standins.ports import free_port


@pytest.fixture
def ended() -> int:
    """A port whose server has closed a connection first, and is gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()
        assert client.recv(1) == b""
        client.close()
    return port


def test_port_of_a_connection_that_ended(ended: int) -> None:
    """Who asks for no reuse cannot have it, as MindIE does not."""
    free = free_port()
    assert lingering.lingering([free, ended]) == [ended]
    with socket.socket() as asked, pytest.raises(OSError, match="Address already in use"):
        asked.bind(("", ended))


def test_waits_until_it_is_forgotten(ended: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[ended], [ended], []])
    monkeypatch.setattr(lingering, "lingering", lambda ports: next(answers))
    monkeypatch.setattr(lingering, "_EVERY_S", 0)
    assert lingering.wait([ended]) == []
    assert next(answers, None) is None


def test_gives_up_and_says_so(ended: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "_WITHIN_S", 0.0)
    assert lingering.wait([ended]) == [ended]


def test_no_table_of_ipv6(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: int) -> None:
    tables = ("/proc/net/tcp", str(tmp_path / "absent"))
    monkeypatch.setattr(lingering, "_TABLES", tables)
    assert lingering.lingering([ended]) == [ended]


def test_every_plane_of_the_current_release(
    host: Host, ended: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planes = {"metrics": {"address": "127.0.0.1", "port": ended}}
    host.stage("planes", planes=planes)
    durable.link(f"{places.instance('chat')}/current", f"{places.releases('chat')}/planes")
    monkeypatch.setattr(sys, "argv", ["lingering.py", "chat"])
    monkeypatch.setattr(lingering, "_WITHIN_S", 0.0)
    lingering.main()
    said = capsys.readouterr().out
    assert said == f"connections that ended are still remembered on port {ended}\n"
