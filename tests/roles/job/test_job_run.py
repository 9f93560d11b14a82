"""Our scripts on a host: quoted, attached to again when the connection was lost, refused."""

import json
import re
import shlex
from typing import Any

import pytest
from gevent import GreenletExit
from pyinfra.api import FunctionCommand, Host, StringCommand, output
from pyinfra.connectors.util import CommandOutput

from roles import job
from roles.job import connection
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

PLAN = {"name": "it's", "words": ["a b"]}
LOST = "connection lost; the job goes on there, connecting again"


def _job(host: Host, **fields: Any) -> FunctionCommand:
    given = {"name": "fetch-qwen3", "script": "fetch", "python": "/usr/bin/py thon", "plan": PLAN}
    (command,) = job.commands(**given | fields)
    assert isinstance(command, FunctionCommand)
    return command


def _executed(host: Host, command: FunctionCommand) -> Any:
    return command.execute(host.state, host, {})


def _commands(host: Host) -> list[str]:
    found: list[str] = host.connector.executed_commands  # type: ignore[attr-defined]
    return found


def _lines(echoed: list[str]) -> list[str]:
    return [line.split("] ", 1)[1] for line in echoed]


def test_script() -> None:
    found = job.script("receipts", "write", "a phase", python="/usr/bin/py thon", given=PLAN)
    script = "/opt/metalserve/hostside/receipts.py"
    assert shlex.split(found.get_raw_value()) == ["/usr/bin/py thon", script, "write", "a phase"]
    assert found.connector_arguments == {"_stdin": json.dumps(PLAN)}


def test_script_that_is_sent() -> None:
    """Its program is the first line of its input; what many hosts are sent is not made anew."""
    found, again = (
        job.sent("lock", "more", "lines", python="/usr/bin/py thon", given=PLAN) for _ in range(2)
    )
    started = ["-I", "-S", "-c", "import sys; exec(sys.stdin.readline())", "lock"]
    assert shlex.split(found.get_raw_value()) == ["/usr/bin/py thon", *started]
    (program, *rest), (same, *_) = (one.connector_arguments["_stdin"] for one in (found, again))
    assert rest == [json.dumps(PLAN), "more", "lines"]
    assert "\n" not in program
    assert program.isascii()
    assert program is same


@pytest.mark.parametrize(("well", "shown"), [(True, ["was changed"]), (False, [])])
def test_what_a_script_says_is_for_the_operator(
    well: bool, shown: list[str], nouns: Nouns, echoed: list[str]
) -> None:
    """Of one that fails pyinfra shows it."""
    said = {"stage.py": {"success": well, "stdout": "was changed"}}
    command = job.script("stage", python="python3", given=PLAN)
    with on_host(nouns.chat(), bare(), fake_responses=said) as host:
        assert command.execute(host.state, host, {})[0] is well
    assert _lines(echoed) == shown


def test_job(nouns: Nouns) -> None:
    jobs = "'/usr/bin/py thon' /opt/metalserve/hostside/jobs.py run fetch-qwen3 fetch"
    with on_host(nouns.chat(), bare()) as host:
        assert _executed(host, _job(host)) is True
        assert _executed(host, _job(host)) is True
        runs = [re.fullmatch(f"{jobs} ([0-9a-f]{{32}})", words) for words in _commands(host)]
    # Whoever asks a second time wants it done a second time.
    first, second = (run[1] for run in runs if run)
    assert first != second


def test_job_that_fails(nouns: Nouns, echoed: list[str]) -> None:
    """The connection holds: what the job said is all that there is to say."""
    said = {"jobs.py": {"success": False, "stdout": "the disk is full"}}
    with on_host(nouns.chat(), bare(), fake_responses=said) as host:
        assert _executed(host, _job(host)) is False
    assert _lines(echoed) == ["the disk is full"]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each attempt was told; the first one loses its connection."""
    asked: list[dict[str, Any]] = []

    def run(self: Host, command: StringCommand, **given: Any) -> tuple[bool, CommandOutput]:
        asked.append({"command": command.get_raw_value(), **given})
        if len(asked) == 1:
            raise OSError("Socket is closed")
        return True, CommandOutput([])

    monkeypatch.setattr(Host, "run_shell_command", run)
    monkeypatch.setattr(connection, "lost", lambda _: len(asked) == 1)
    return asked


def test_lost_connection(
    nouns: Nouns,
    attempts: list[dict[str, Any]],
    echoed: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same run is asked for again, with the same plan: the job goes on where it is."""
    monkeypatch.setattr(connection, "again", lambda _: True)
    with on_host(nouns.chat(), bare()) as host:
        assert _executed(host, _job(host)) is True
    first, second = attempts
    assert first == second
    assert (first["print_output"], first["_stdin"]) == (True, json.dumps(PLAN))
    assert _lines(echoed) == [LOST]


def test_lost_for_good(
    nouns: Nouns,
    attempts: list[dict[str, Any]],
    echoed: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "again", lambda _: False)
    with on_host(nouns.chat(), bare()) as host:
        assert _executed(host, _job(host)) is False
    assert len(attempts) == 1
    over = "no connection; the job fetch-qwen3 ends alone, run again to see"
    assert _lines(echoed) == [LOST, over]


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (["restart"], "run again to follow it"),
        ([], "if it was begun; run again to see"),
    ],
)
def test_run_is_stopped(
    nouns: Nouns, echoed: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str], how: str
) -> None:
    """Whoever follows a job says what comes of it."""

    def run(self: Host, command: StringCommand, **given: Any) -> tuple[bool, CommandOutput]:
        for line in said:
            output.echo(f"{self.print_prefix}{line}")
        raise GreenletExit

    monkeypatch.setattr(Host, "run_shell_command", run)
    with on_host(nouns.chat(), bare()) as host:
        command = _job(host)
        with pytest.raises(GreenletExit):
            _executed(host, command)
    look = "journalctl -fu metalserve-job-fetch-qwen3"
    assert _lines(echoed) == [*said, f"the job fetch-qwen3 goes on there alone, {how} ({look})"]


def test_as_the_operation_was_told(nouns: Nouns) -> None:
    """With sudo where the operation has it; what is pyinfra's own is not passed on."""
    with on_host(nouns.chat(), bare()) as host:
        told: Any = {"_sudo": True, "_ignore_errors": True, "name": "Fetch"}
        host.current_op_global_arguments = told
        given = _job(host).kwargs
    assert {key for key in given if key not in ("name", "script", "python", "plan")} == {"_sudo"}
    assert (given["_sudo"], given["name"]) == (True, "fetch-qwen3")


def test_refusal(nouns: Nouns, echoed: list[str]) -> None:
    """The step fails on this host with its reason alone: nothing is run, nothing is raised."""
    with on_host(nouns.chat(), bare()) as host:
        assert _executed(host, job.refusal("chat has no release")) is False
        assert _commands(host) == []
    assert _lines(echoed) == ["chat has no release"]
