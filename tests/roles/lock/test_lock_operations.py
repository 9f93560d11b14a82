"""The deploy lock as a run asks for it: who it is, and whose lock it may take over."""

import getpass
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import Host, StringCommand

from roles import job, lock
from roles.hostside import places
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


def _released(state: str) -> str:
    kept, mine = f"{state}/lock.json", f'"run": "{lock.owner()["run"]}"'
    given_back = """sh -c '! grep -qsF "$1" "$2" || rm "$2"' release"""
    return f"test ! -e {kept} || flock {kept}.guard {given_back} '{mine}' {kept}"


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
        assert command == _released(places.STATE)
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
    assert asked == [sudo]


@pytest.mark.parametrize("run", ["mine", "another", None])
def test_given_back_by_a_real_shell(
    run: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the host's script writes it; another's stays, and where none is nothing comes to be."""
    kept = tmp_path / "state/lock.json"
    monkeypatch.setattr(places, "STATE", str(kept.parent))
    owner = lock.owner() | {"break": None, **({"run": "r0000000"} if run == "another" else {})}
    if run:
        there = f"import lock, places\nplaces.STATE = {places.STATE!r}\nlock.main()"
        words = [sys.executable, "-c", there, "take", json.dumps(owner)]
        subprocess.run(words, env={"PYTHONPATH": str(job.FOLDER)}, check=True)
        assert kept.is_file()
    subprocess.run(["sh", "-c", operations._released().get_raw_value()], check=True)
    assert kept.exists() is (run == "another")
    assert tmp_path.joinpath("state").exists() is (run is not None)


def test_script_that_takes_it_itself(nouns: Nouns) -> None:
    """It is told who this run is. The lock is given back also if it fails: it may have it."""
    spec, told_by = nouns.chat(), []

    def script(taken_by: dict[str, Any] | None) -> StringCommand:
        told_by.append(taken_by)
        return StringCommand("true")

    with on_host(spec, bare()) as host:
        # What is planned alone has not begun.
        keep, _ = operations.held_by(script)
        assert _leave(host) == []
        keep.execute(host.state, host, {})
        assert len(list(operations.held_by(script))) == 1
        assert told_by == [lock.owner() | {"break": None}, None]
        assert _leave(host) == [_released(places.STATE)]
