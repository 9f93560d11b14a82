"""An engine is asked without its server: who may, what is run, and what comes of it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import offline
import places
import pytest

from tests.roles.hostside.staged import SUM, UNIT, Host

# Takes what systemd takes, runs the words as they stand there, and keeps them.
_RUN = """\
#!{python} -SE
import json, subprocess, sys
words = sys.argv[1:]
open({kept!r}, "w").write(json.dumps([words, sys.stdin.read()]))
sys.exit(subprocess.run(words[-2:]).returncode)
"""
_ANSWER = {"check": "sum", "kind": "text", "passed": True, "why": "", "latency_s": 0.1}


@pytest.fixture
def stopped(host: Host, tree: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose instance served and is stopped."""
    host.serving("old")
    host.systemd.units[UNIT].state = "inactive"
    program = tree / "bin/systemd-run"
    program.parent.mkdir()
    program.write_text(_RUN.format(python=sys.executable, kept=f"{tree}/kept.json"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return host


def _engine(*lines: str, code: int = 0) -> None:
    """Let the start of the current release say something."""
    said = "\n".join(lines)
    start = Path(places.instance("chat")) / "current/start"
    start.chmod(0o755)
    start.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {code}\n")


def _report(**other: Any) -> str:
    return json.dumps([_ANSWER | other])


def test_asked(stopped: Host, tree: Path) -> None:
    """As the instance's user, in its release, with its questions of that kind alone."""
    _engine("INFO loading", _report(), "INFO done")
    assert offline.answers("chat", "text") == [_ANSWER]
    words, given = json.loads((tree / "kept.json").read_text())
    assert json.loads(given) == [SUM]
    folder = f"{places.ROOT}/instances/chat"
    assert words[:5] == ["--quiet", "--wait", "--pipe", "--collect", "--unit"]
    assert words[-2:] == [
        f"{folder}/current/start", str(Path(offline.__file__).with_name("offline_vllm.py")),
    ]  # fmt: skip
    wanted = {
        "User=metalserve-chat",
        f"WorkingDirectory={folder}/current",
        f"EnvironmentFile={folder}/current/environment",
        f"LoadCredential=api-key:{folder}/secrets/api-key",
        "CacheDirectory=metalserve/chat",
        "NoNewPrivileges=yes",
    }
    assert wanted <= {word.removeprefix("--property=") for word in words}


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_exit_code(
    stopped: Host,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    passed: bool,
    code: int,
) -> None:
    _engine(_report(passed=passed))
    monkeypatch.setattr(sys, "argv", ["offline.py", "chat", "text"])
    with pytest.raises(SystemExit) as ended:
        offline.main()
    assert ended.value.code == code
    assert json.loads(capsys.readouterr().out) == [_ANSWER | {"passed": passed}]


def test_not_beside_its_server(host: Host) -> None:
    """What serves goes on: nothing is started that takes its memory."""
    host.serving("old")
    with pytest.raises(offline.OfflineError) as caught:
        offline.answers("chat", "text")
    assert str(caught.value) == (
        "chat serves, and two engines have no room on its devices: "
        f"systemctl stop {UNIT}, ask, systemctl start {UNIT}"
    )


@pytest.mark.parametrize(
    ("instance", "kind", "message"),
    [
        ("chat", "video", "chat is asked no video question"),
        ("chat", "stream", "offline: 'stream', text, image, video are right"),
        ("idle", "text", "idle has no release"),
    ],
)
def test_nothing_to_ask(stopped: Host, instance: str, kind: str, message: str) -> None:
    with pytest.raises(offline.OfflineError) as caught:
        offline.answers(instance, kind)
    assert str(caught.value) == message


def test_engine_that_only_serves(stopped: Host) -> None:
    file = Path(places.instance("chat")) / "current/release.json"
    file.chmod(0o644)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"engine": "lmdeploy"}))
    with pytest.raises(offline.OfflineError, match="chat is lmdeploy, which only a server can ask"):
        offline.answers("chat", "text")


def test_mindie_is_asked_as_its_unit_runs_it(stopped: Host, tree: Path) -> None:
    """In its groups, with what was captured, by the stack's Python; each question once."""
    twice = [SUM, {**SUM, "name": "sum-generate", "by": "generate"}]
    (Path(places.checks("chat")) / "old.json").write_text(json.dumps(twice))
    file = Path(places.instance("chat")) / "current/release.json"
    file.chmod(0o644)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"engine": "mindie"}))
    _engine(_report())
    run = tree / "bin/systemd-run"
    run.write_text(run.read_text().replace("words[-2:]", "words[-3:]"))
    assert offline.answers("chat", "text") == [_ANSWER]
    words, given = json.loads((tree / "kept.json").read_text())
    assert json.loads(given) == [SUM]
    folder = f"{places.ROOT}/instances/chat/current"
    program = str(Path(offline.__file__).with_name("offline_mindie.py"))
    assert words[-3:] == [f"{folder}/start", "python", program]
    properties = [word.removeprefix("--property=") for word in words]
    assert {"Group=metalserve", "SupplementaryGroups=HwHiAiUser"} <= {*properties}
    assert [one for one in properties if one.startswith("EnvironmentFile=")] == [
        f"EnvironmentFile={folder}/ascend", f"EnvironmentFile={folder}/environment",
    ]  # fmt: skip


def test_engine_that_dies(
    stopped: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _engine("INFO loading", "torch.OutOfMemoryError: CUDA out of memory.", code=1)
    monkeypatch.setattr(sys, "argv", ["offline.py", "chat", "text"])
    with pytest.raises(SystemExit) as ended:
        offline.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("the engine did not answer\ncause: ")
    assert "log: torch.OutOfMemoryError: CUDA out of memory." in said.err
