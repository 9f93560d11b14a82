"""The probe of a host: its answer read, its program really run, its receipts believed."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from paramiko import SSHException
from pyinfra.api import Host

from roles import job, probe
from roles.hostside import places
from roles.probe import Probe, deploy, facts
from roles.probe.facts import PARTS
from roles.spec import Accelerator
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


def _silent(said: str) -> dict[str, Any]:
    fault = {"python": f"no answer of the probe ({said})"}
    return {"schema": 2, "faults": fault} | dict.fromkeys(PARTS)


def test_command() -> None:
    python, root = "/usr/bin/python3", "/data/weights"
    command = Probe().command(python=python, weights_root=root, accelerator="cuda")
    asked = (
        """/usr/bin/python3 -I -S - '{"weights_root": "/data/weights", "accelerator": "cuda"}'"""
    )
    assert command.get_raw_value() == f"{asked} || echo 'no probe'"


def test_answer() -> None:
    """The last line: a shell's greeting may stand before it."""
    assert Probe().process(["Welcome!", json.dumps(bare())]) == bare()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (["no probe"], "no probe"),
        (["1", "2", "3", "no probe"], "2; 3; no probe"),
        (['{"schema": 2, "faults"'], '{"schema": 2, "faults"'),
        (["null"], "null"),
        (["7"], "7"),
        (["[1]"], "[1]"),
    ],
)
def test_no_answer(output: list[str], said: str) -> None:
    """It is an answer too: what raises here would be shown without its words."""
    assert Probe().process(output) == _silent(said)


def test_nothing_at_all(nouns: Nouns) -> None:
    assert Probe().default() == _silent("nothing")
    with on_host(nouns.chat(), "", fake_responses={}) as host:
        assert probe.of(host) == _silent("nothing")


def test_last_host_that_cannot_be_asked(nouns: Nouns) -> None:
    """A wrong sudo, say: pyinfra would end the run with a traceback and no reason."""
    failed = {"no probe": {"success": False, "stderr": "sudo: a password is required"}}
    with on_host(nouns.chat(), "", fake_responses=failed) as host:
        assert probe.of(host) == _silent("No hosts remaining!")


def test_size() -> None:
    """It travels to hosts that have no such probe; to others goes what looks for theirs."""
    assert len(facts.program(Accelerator.CPU)) < 60 * 1024
    assert len(facts.program(Accelerator.CUDA)) < 110 * 1024
    assert len(facts.there(Accelerator.CUDA)) < 1300


@pytest.fixture(scope="module")
def really() -> Any:
    """What the probe says of this machine, asked as a host is asked."""
    python = shlex.quote(sys.executable)
    root = "/srv/metalserve/weights"
    command = Probe().command(python=sys.executable, weights_root=root, accelerator="cpu")
    assert command.get_raw_value().startswith(f"{python} -I -S - ")
    ended = subprocess.run(
        ["sh", "-c", command.get_raw_value()],
        input=facts.program(Accelerator.CUDA),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Probe().process(ended.stdout.splitlines())


def test_really(really: Any) -> None:
    assert (really["schema"], really["faults"]) == (2, {})
    assert sorted(really) == sorted(["schema", "faults", *PARTS])
    machine_id = Path("/etc/machine-id")
    told = machine_id.read_text().strip() if machine_id.exists() else None
    assert really["system"]["machine_id"] == told


def test_other_tests_use_a_probe_of_this_shape(really: Any) -> None:
    """The vendors' parts are null here: ``test_probe_devices`` holds those."""
    made = bare()
    assert sorted(made) == sorted(really)
    for part in ("system", "disks", "accelerators", "platform"):
        assert sorted(made[part]) == sorted(really[part]), part
    for part in ("os", "clock", "limits"):
        assert sorted(made["system"][part]) == sorted(really["system"][part]), part
    for port in really["ports"]:
        assert sorted(port) == sorted(made["ports"][0])
    for path, disk in really["disks"].items():
        assert sorted(disk) == sorted(made["disks"][path])
    paths = [places.ROOT, places.STATE, "/usr/local", "/srv/metalserve/weights"]
    assert sorted(made["disks"]) == sorted(paths)


def _asked(host: Host) -> int:
    return len(host.connector.executed_commands)  # type: ignore[attr-defined]


def test_asked_once(nouns: Nouns) -> None:
    with on_host(nouns.chat(), bare()) as host:
        assert probe.of(host) == probe.of(host) == bare()
        assert _asked(host) == 1


def _on(answers: object) -> Any:
    return {"fake_responses": {"no probe": answers}}


def test_elsewhere_is_no_answer() -> None:
    assert Probe().process(["Welcome!", job.ELSEWHERE]) is None


def test_host_without_our_probe_is_sent_it(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """First it is asked for its own; that it has none is no answer."""
    sent: list[object] = []
    spec = nouns.chat()
    with on_host(spec, bare()) as host:
        ran = host.run_shell_command

        def run(command: Any, **arguments: Any) -> Any:
            sent.append(arguments["_stdin"])
            done, output = ran(command, **arguments)
            if len(sent) == 1:
                output.combined_lines[-1].line = job.ELSEWHERE
            return done, output

        monkeypatch.setattr(host, "run_shell_command", run)
        assert probe.of(host) == bare()
    assert sent == [facts.there(spec.accelerator), facts.program(spec.accelerator)]


def test_asked_ahead(nouns: Nouns) -> None:
    with on_host(nouns.chat(), bare()) as host:
        deploy.ahead(host)
        assert _asked(host) == 1
        assert probe.of(host) == bare()
        deploy.ahead(host)
        assert _asked(host) == 1


def test_a_wrong_answer_is_one_ahead_too(nouns: Nouns) -> None:
    with on_host(nouns.chat(), "", **_on("no probe")) as host:
        deploy.ahead(host)
        assert probe.of(host) == _silent("no probe")
        assert _asked(host) == 1


def test_who_cannot_be_asked_ahead_is_asked_when_it_matters(nouns: Nouns) -> None:
    """There it is told as any other fault of a host, and ends what any other does."""
    failed = {"success": False, "stderr": "sudo: a password is required"}
    with on_host(nouns.chat(), bare(), **_on(failed)) as host:
        deploy.ahead(host)
        assert _asked(host) == 1
        assert probe.of(host) == _silent("No hosts remaining!")
        assert _asked(host) == 2


def test_lost_while_asked_ahead(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise SSHException("the link is gone")

    with on_host(nouns.chat(), bare()) as host:
        with monkeypatch.context() as patched:
            patched.setattr(host, "run_shell_command", lost)
            deploy.ahead(host)
        assert probe.of(host) == bare()


DRIFT = ["/opt/metalserve/hostside is missing", "/a has another mode"]
RECEIPTS = {
    "prepare": {"digest": "d1", "drift": []},
    "stage-chat": {"digest": "d2", "drift": DRIFT},
}


@pytest.mark.parametrize(
    ("phase", "digest", "holds"),
    [
        ("prepare", "d1", True),
        ("prepare", "d2", False),
        ("stage-draw", "d1", False),
        ("stage-chat", "d2", False),
        ("stage-chat", "d1", False),
    ],
)
def test_holds(nouns: Nouns, phase: str, digest: str, holds: bool, echoed: list[str]) -> None:
    with on_host(nouns.chat(), bare() | {"receipts": RECEIPTS}) as host:
        assert probe.holds(host, phase=phase, digest=digest) is holds
    # What drifted is told where it is why something is done again.
    drift = DRIFT if (phase, digest) == ("stage-chat", "d2") else []
    assert [line.split("drift in ")[1] for line in echoed] == [f"stage-chat: {d}" for d in drift]


def test_nothing_holds_on_a_host_that_said_nothing(nouns: Nouns) -> None:
    with on_host(nouns.chat(), "", fake_responses={}) as host:
        assert not probe.holds(host, phase="prepare", digest="d1")
