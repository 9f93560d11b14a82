"""A host that goes down and comes back: the connection, files of it, its probe asked anew."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from pyinfra.api import Host
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from roles import job, probe
from roles.platform import converge, line
from roles.probe.facts import program, there
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


def _ssh(client: Any) -> Any:
    connector = SSHConnector.__new__(SSHConnector)
    connector.client = client
    return Mock(connector=connector)


def _client(transport: Any) -> Mock:
    return Mock(get_transport=lambda: transport)


@pytest.mark.parametrize(
    ("host", "lost"),
    [
        (Mock(connector=object()), False),
        (_ssh(_client(Mock(is_active=lambda: True))), False),
        (_ssh(_client(Mock(is_active=lambda: False))), True),
        # As it is after a connection that could not be made.
        (_ssh(_client(None)), True),
        (_ssh(None), True),
    ],
)
def test_lost(host: Host, lost: bool) -> None:
    assert job.lost(host) is lost


@pytest.mark.parametrize("comes_back", [True, False])
def test_up(comes_back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Host] = []

    def again(host: Host) -> bool:
        asked.append(host)
        return comes_back

    monkeypatch.setattr(job, "again", again)
    fine, gone = _ssh(_client(Mock(is_active=lambda: True))), _ssh(None)
    assert line.up(fine) is True
    assert line.up(gone) is comes_back
    assert asked == [gone]


class _Answers:
    """A host whose commands print one line after the other, and how they were asked."""

    def __init__(self, host: Host, *lines: str) -> None:
        self.lines = list(lines)
        self.asked: list[dict[str, Any]] = []
        host.run_shell_command = self.run  # type: ignore[method-assign]

    def run(self, command: object, **given: Any) -> tuple[bool, CommandOutput]:
        self.asked.append(given)
        return True, CommandOutput([OutputLine("stdout", self.lines.pop(0))])


def test_probe_is_asked_anew(nouns: Nouns) -> None:
    """What the run knows from then on is what the second look found."""
    later = bare() | {"stacks": ["one"]}
    with on_host(nouns.chat(), bare()) as host:
        assert probe.of(host) == bare()
        _Answers(host, json.dumps(later))
        assert (probe.renew(host), probe.of(host)) == (later, later)


def test_probe_without_an_answer_does_not_fail_the_host(nouns: Nouns) -> None:
    with on_host(nouns.chat(), bare()) as host:
        _Answers(host, "bash: no python3")
        assert probe.renew(host)["system"] is None
        assert host not in host.state.failed_hosts


def test_probe_on_a_lost_connection(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> None:
        raise OSError("Socket is closed")

    with on_host(nouns.chat(), bare()) as host:
        monkeypatch.setattr(host, "run_shell_command", cut)
        found = probe.renew(host)
    assert found["faults"] == {"python": "no answer of the probe (Socket is closed)"}


def test_probe_is_asked_as_the_operation_was_told(nouns: Nouns) -> None:
    """A prepared host has it; that of another version is sent this one's."""
    accelerator = nouns.chat().accelerator
    own = {"_sudo": True, "_stdin": there(accelerator)}
    with on_host(nouns.chat(), bare(), _sudo=True) as host:
        answers = _Answers(host, json.dumps(bare()))
        probe.renew(host)
    assert answers.asked == [own]
    with on_host(nouns.chat(), bare(), _sudo=True) as host:
        answers = _Answers(host, job.ELSEWHERE, json.dumps(bare()))
        assert probe.renew(host) == bare()
    assert answers.asked == [own, {"_sudo": True, "_stdin": program(accelerator)}]


@pytest.mark.parametrize(
    ("response", "held"),
    [('{"reboots": true}', {"reboots": True}), ({"stdout": "", "success": False}, None)],
)
def test_file_of_the_host(response: object, held: object, nouns: Nouns) -> None:
    spec = nouns.chat()
    with on_host(spec, bare(), fake_responses={"cat /a": response}) as host:
        assert converge._Converging(host.state, host, spec, {}).read("/a") == held


def test_host_that_is_back_has_time_to_start(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the most patient of its instances may take."""
    found = bare()
    found["instances"] = {
        name: {"about": about, "active": True}
        for name, about in {"chat": {"ready_within_s": 600}, "old": None}.items()
    }
    spec = nouns.chat()
    with on_host(spec, found) as host:
        back = converge._Converging(host.state, host, spec, {}).booted(found)
        commands: list[str] = host.connector.executed_commands  # type: ignore[attr-defined]
    assert commands[0] == "timeout 720 systemctl is-system-running --wait || true"
    assert back == found
