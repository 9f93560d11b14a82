"""The deploy lock as a run asks for it: who it is, and whose lock it may take over."""

import getpass
import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import Host

from roles import job, lock
from roles.lock import operations
from tests.roles.faked import bare, lock_taken, on_host, told
from tests.roles.spec.nouns import Nouns


@pytest.fixture
def dead() -> int:
    """The id of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


def _held(**fields: Any) -> dict[str, Any]:
    right = {**lock.owner(), "run": "r0000000", "who": "bob@desk", "since": 1.0}
    return bare() | {"lock": right | fields}


def _asked(nouns: Nouns, found: object, **data: object) -> object:
    spec = nouns.chat()
    with on_host(spec, found, **data) as host:
        return told(operations.deploy_lock, spec, found, host=host).commands


def test_owner() -> None:
    found = lock.owner()
    assert found == lock.owner()
    assert list(found) == ["run", "who", "machine", "pid", "started"]
    assert re.fullmatch("r[0-9a-f]{7}", found["run"])
    assert found["who"] == f"{getpass.getuser()}@{socket.gethostname()}"
    assert found["machine"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert found["pid"] == os.getpid()
    ticks, uptime = os.sysconf("SC_CLK_TCK"), float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < found["started"] <= uptime * ticks


def test_run_is_another_each_time() -> None:
    assert lock.owner.__wrapped__()["run"] != lock.owner()["run"]


def test_free(nouns: Nouns) -> None:
    assert _asked(nouns, bare()) == [lock_taken()]


def test_held_by_a_live_run(nouns: Nouns, echoed: list[str]) -> None:
    """The host refuses: this run names no other that may be dead."""
    assert _asked(nouns, _held()) == [lock_taken()]
    assert echoed == []


def test_held_by_a_dead_run_of_this_machine(nouns: Nouns, dead: int, echoed: list[str]) -> None:
    assert _asked(nouns, _held(pid=dead)) == [lock_taken(over="r0000000")]
    assert [line.split("] ", 1)[1] for line in echoed] == [
        "takes over the lock of bob@desk (run r0000000)"
    ]


def test_held_under_an_id_that_another_process_has(nouns: Nouns) -> None:
    """The same id, started at another time: that run is dead too."""
    started = lock.owner()["started"] - 1
    assert _asked(nouns, _held(started=started)) == [lock_taken(over="r0000000")]


def test_held_from_another_machine(nouns: Nouns, dead: int) -> None:
    """What runs there cannot be known here: only the operator may say that it is dead."""
    found = _held(pid=dead, machine="another boot")
    assert _asked(nouns, found) == [lock_taken()]
    assert _asked(nouns, found, break_lock="r0000000") == [lock_taken(over="r0000000")]
    assert _asked(nouns, found, break_lock="r1111111") == [lock_taken(over="r1111111")]


def test_operator_is_heeded_on_this_machine(nouns: Nouns) -> None:
    assert _asked(nouns, _held(), break_lock="r0000000") == [lock_taken(over="r0000000")]


def test_taken_once(nouns: Nouns) -> None:
    spec = nouns.chat()
    with on_host(spec, bare()) as host:
        assert told(operations.deploy_lock, spec, bare(), host=host).commands == [lock_taken()]
        assert told(operations.deploy_lock, spec, bare(), host=host).commands == []


def _leave(host: Host) -> list[str]:
    """Let a run leave a host; return what it still did there."""
    before = list(host.connector.executed_commands)  # type: ignore[attr-defined]
    host.state.trigger_callbacks("host_disconnect", host)
    executed: list[str] = host.connector.executed_commands  # type: ignore[attr-defined]
    return executed[len(before) :]


def test_given_back_when_the_run_leaves(nouns: Nouns) -> None:
    spec = nouns.chat()
    with on_host(spec, bare()) as host:
        told(operations.deploy_lock, spec, bare(), host=host)
        (command,) = _leave(host)
        assert command == f"/usr/bin/python3 - release '{json.dumps(lock.owner())}'"
        assert _leave(host) == []


def test_not_given_back_when_not_taken(nouns: Nouns) -> None:
    """Neither on a host where it was never asked for, nor where another run has it."""
    spec = nouns.chat()
    with on_host(spec, bare()) as host:
        next(operations.held())
        assert _leave(host) == []


def test_giving_back_never_ends_the_run(
    nouns: Nouns, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = nouns.chat()

    def lost(*_: object, **__: object) -> None:
        raise OSError("connection lost")

    with on_host(spec, bare()) as host:
        told(operations.deploy_lock, spec, bare(), host=host)
        monkeypatch.setattr(host, "run_shell_command", lost)
        host.state.trigger_callbacks("host_disconnect", host)
    assert "the deploy lock was not given back: connection lost" in capsys.readouterr().out


@pytest.mark.parametrize("sudo", [{}, {"_sudo": True}], ids=["root", "sudo"])
def test_given_back_with_what_it_was_taken_with(
    nouns: Nouns, sudo: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, asked = nouns.chat(), []
    with on_host(spec, bare(), **sudo) as host:
        told(operations.deploy_lock, spec, bare(), host=host)
        monkeypatch.setattr(host, "run_shell_command", lambda _, **given: asked.append(given))
        host.state.trigger_callbacks("host_disconnect", host)
    assert asked == [{"_stdin": job.program("lock"), **sudo}]
