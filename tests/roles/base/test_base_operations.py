"""What a host is told of ours when it is prepared: the exact commands."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roles import lock, paths
from roles.base import layout, operations
from roles.spec import Agent
from tests.roles.faked import Command, Told, bare, lock_taken, on_host, told
from tests.roles.spec.nouns import Nouns

_SENT = "-I -S -c 'import sys; exec(sys.stdin.readline())' layout"


def _given(command: Command) -> Any:
    """Return what the host's script is told."""
    _, lines = command
    assert isinstance(lines, list)
    assert lines[2:] == [layout.hostside_archive()]
    return json.loads(lines[1])


def test_host_is_laid_out_by_one_command(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), python="/opt/python3.12/bin/python3")
    _, command = told(operations.laid_out_host, spec, bare(), onto=spec).commands
    assert command[0] == f"/opt/python3.12/bin/python3 {_SENT}"
    assert _given(command) == layout.laid_out(spec) | {"lock": lock.owner() | {"break": None}}


def test_host_is_laid_out_under_the_lock_that_a_run_has(nouns: Nouns) -> None:
    spec = nouns.chat()
    with on_host(spec, bare()) as host:
        told(lock.deploy_lock, spec, bare(), host=host)
        (command,) = told(operations.laid_out_host, spec, bare(), host=host, onto=spec).commands
    assert _given(command)["lock"] is None


def test_scripts_alone(nouns: Nouns) -> None:
    found = told(operations.hostside_scripts, nouns.chat(), bare(), python="/usr/bin/py")
    _, command = found.commands
    assert command[0] == f"/usr/bin/py {_SENT}"
    assert _given(command) == {
        "scripts": layout.hostside_folder(),
        "lock": lock.owner() | {"break": None},
    }


def test_what_is_laid_out(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), weights_root="/data/weights")
    opt, state, units = "/opt/metalserve", "/var/lib/metalserve", "/etc/systemd/system"
    recover, vllm = "metalserve-recover.service", "metalserve-vllm@.service"
    texts = layout.units(spec)
    found = layout.laid_out(spec)
    receipt = found.pop("receipt")
    assert found == {
        "accounts": {"groups": [], "users": ["metalserve-chat"]},
        "folders": {
            opt: "755",
            f"{opt}/stacks": "755",
            f"{opt}/releases": "755",
            f"{opt}/instances": "755",
            f"{opt}/tools": "755",
            f"{opt}/cache": "755",
            state: "755",
            f"{state}/receipts": "755",
            "/var/cache/metalserve": "755",
            "/var/log/metalserve": "755",
            "/data/weights": "755",
            f"{state}/secrets": "700",
            f"{state}/jobs": "700",
        },
        "scripts": {
            "folder": f"{opt}/hostside-{layout.hostside_digest()[:12]}",
            "link": f"{opt}/hostside",
        },
        "files": {f"{units}/{recover}": texts[recover], f"{units}/{vllm}": texts[vllm]},
        "links": {f"{units}/multi-user.target.wants/{recover}": f"{units}/{recover}"},
        "units": [recover, vllm],
        "again": [],
        "start": [recover],
    }
    managed = layout.managed(spec)
    assert receipt == {"phase": "prepare", "digest": layout.digest_of(spec), "paths": managed}


def test_what_is_laid_out_for_gateways(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), agent=Agent())
    found = layout.laid_out(spec)
    units, socket, agent = (
        "/etc/systemd/system",
        "metalserve-agent.socket",
        "metalserve-agent.service",
    )
    assert found["files"]["/var/lib/metalserve/agent.json"] == layout.agent_told(Agent())
    assert found["links"][f"{units}/sockets.target.wants/{socket}"] == f"{units}/{socket}"
    assert found["units"][-2:] == [socket, agent]
    # A socket does not move while its service has it.
    assert (found["again"], found["start"][1:]) == ([agent, socket], [socket])
    assert found["accounts"]["users"] == ["metalserve-chat", "metalserve_agent"]


def test_scripts_arrive(nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command by a real shell: twice, and over what an earlier version left."""
    opt = tmp_path / "my opt"
    monkeypatch.setattr(paths, "HOSTSIDE", f"{opt}/hostside")
    (opt / "hostside-0").mkdir(parents=True)
    (opt / "hostside").symlink_to("hostside-0")
    with on_host(nouns.chat(), bare()) as host:
        told(lock.deploy_lock, nouns.chat(), bare(), host=host)
        ((words, lines),) = told(
            operations.hostside_scripts, nouns.chat(), bare(), host=host, python=sys.executable
        ).commands
    assert isinstance(lines, list)
    for said in (f"scripts: {len(layout.hostside_files())} brought", "everything was there"):
        done = subprocess.run(
            ["sh", "-c", words],
            input="".join(f"{line}\n" for line in lines),
            env={"PATH": os.defpath},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{said}\n"
        found = {path.name: path.read_bytes() for path in (opt / "hostside").iterdir()}
        assert found == layout.hostside_files()
    current = f"hostside-{layout.hostside_digest()[:12]}"
    assert sorted(path.name for path in opt.iterdir()) == sorted(
        ["hostside", "hostside-0", current]
    )


ASKED = r"dpkg-query --show --showformat '${db:Status-Status} ${Package}\n'"


def _packages(nouns: Nouns, wanted: list[str], there: str = "") -> list[list[str]]:
    """Return what a host is asked first and told then, with these packages there."""
    with on_host(nouns.chat(), bare(), fake_responses={"dpkg-query": there}) as host:
        commands = list(operations.packages._inner(wanted=wanted))
        asked: list[str] = host.connector.executed_commands  # type: ignore[attr-defined]
    return [asked[:1], [getattr(one, "get_raw_value", lambda one=one: one)() for one in commands]]


@pytest.mark.parametrize("there", ["installed python3-venv\nconfig-files g++", ""])
def test_packages_that_are_missing(nouns: Nouns, there: str) -> None:
    _, commands = _packages(nouns, ["g++", "python3-venv"], there)
    assert commands[0] == lock_taken()[0]
    assert "--no-install-recommends" in commands[-1]
    assert shlex.split(commands[-1])[-2:] == ["g++", "python3-venv"]


def test_packages_that_are_there(nouns: Nouns) -> None:
    """Nothing is asked of the distribution's servers, nor is the lock taken."""
    there = {f"{ASKED} g++ vim 2>/dev/null || true": "installed vim\ninstalled g++"}
    with on_host(nouns.chat(), bare(), fake_responses=there) as host:
        found = told(operations.packages, nouns.chat(), bare(), host=host, wanted=["g++", "vim"])
    assert found == Told(commands=[], noops=["every package is installed"])


def test_names_of_packages_are_quoted(nouns: Nouns) -> None:
    asked, _ = _packages(nouns, ["a b"])
    assert asked == [f"{ASKED} 'a b' 2>/dev/null || true"]


def test_receipt_that_holds(nouns: Nouns) -> None:
    found = told(operations.held_receipt, nouns.chat(), bare(), phase="prepare")
    assert found == Told(commands=[], noops=["the receipt of prepare holds"])


def test_lock_of_a_dead_run_is_taken_over_where_nothing_is_to_be_done(nouns: Nouns) -> None:
    with subprocess.Popen(["true"]) as process:
        dead = process.pid
    left = {**lock.owner(), "run": "r0000000", "pid": dead, "who": "bob@desk", "since": 1.0}
    found = told(operations.held_receipt, nouns.chat(), bare() | {"lock": left}, phase="prepare")
    assert found.commands == [lock_taken(over="r0000000")]
    alive = left | {"pid": lock.owner()["pid"]}
    found = told(operations.held_receipt, nouns.chat(), bare() | {"lock": alive}, phase="prepare")
    assert found.commands == []
