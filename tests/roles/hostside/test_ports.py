"""Who listens is told by process."""

import os
from pathlib import Path

import ports

from tests.standins.ports import free_port
from tests.standins.systemctl.answering import Manner, answering


def test_holder_of_a_port() -> None:
    assert ports.holder(free_port()) == ""
    with answering(Manner()) as server:
        assert ports.holder(server.port).endswith(f" (pid {os.getpid()})")


def test_ports_name_who_listens() -> None:
    with answering(Manner()) as server:
        [found] = [port for port in ports.listening() if port["port"] == server.port]
    assert found["pid"] == os.getpid()
    assert found["process"] == Path("/proc/self/comm").read_text().strip()
