"""A run leaves its report however it ends."""

import getpass
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import DeployError, State

from roles import instance, lock, preflight
from roles.preflight import Reason
from roles.report import origin, told
from roles.spec import Secret
from tests.roles.report.watched import FAILS, GONE, KEY, begun, fake, left, reports, work

ROOT = Path(__file__).parents[3]


def test_failed_on_one_host(tmp_path: Path) -> None:
    report = left(tmp_path, fake("well"), fake("ill", FAILS), limit=("gpu",))
    assert report["who"] == f"{getpass.getuser()}@{socket.gethostname()}"
    assert re.fullmatch(r"r[0-9a-f]{7}", report["run"])
    assert (report["deploys"], report["limit"]) == (["deploy/work.py"], ["gpu"])
    assert report["inventory"] == str(tmp_path / "site.py")
    assert report["inventory_sha256"] == hashlib.sha256(b"").hexdigest()
    assert report["began"] <= report["ended"]
    assert 0 <= report["seconds"] < 600
    assert (report["outcome"], report["error"]) == ("failed", None)
    ill, well = report["hosts"]["@fake/ill"], report["hosts"]["@fake/well"]
    assert (ill["result"], well["result"]) == ("failed", "done")
    names = [(step["name"], step["result"]) for step in well["steps"]]
    assert names == [("Look", "done"), ("Work", "done")]
    assert ill["steps"][1]["result"] == "failed"
    assert 0 <= ill["steps"][1]["seconds"] < 600


def test_secret_is_in_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host said it, and was heard: neither the key nor what --data told is kept."""
    monkeypatch.setenv("TEST_REPORT_KEY", KEY)
    instance.resolve(Secret(env="TEST_REPORT_KEY"))
    report = left(tmp_path, fake("ill", FAILS), data={"token": "sesame-sesame"})
    assert report["hosts"]["@fake/ill"]["steps"][1]["said"] == [
        "no room", "*MASKED* is in the way",
    ]  # fmt: skip
    assert report["data"] == ["token"]
    text = "".join(path.read_text() for path in reports(tmp_path))
    assert KEY not in text
    assert "sesame" not in text


def test_host_that_was_not_reached(tmp_path: Path) -> None:
    report = left(tmp_path, fake("well"), GONE)
    assert report["outcome"] == "failed"
    assert report["hosts"]["@fake/well"]["result"] == "done"
    assert report["hosts"]["gone"]["result"] == "unreached"
    assert "Unable to connect to port 1 on 127.0.0.1" in report["hosts"]["gone"]["why"]


def test_no_host_was_reached(tmp_path: Path) -> None:
    """No deploy is run then, and the run is told all the same."""
    report = left(tmp_path, GONE)
    assert report["outcome"] == "failed"
    assert report["error"] == "PyinfraError: No hosts remaining!"
    assert list(report["hosts"]) == ["gone"]


def test_planned(tmp_path: Path) -> None:
    def planning(state: State) -> None:
        state.activate_host(state.inventory.get_host("@fake/well"))
        raise SystemExit(0)

    report = left(tmp_path, fake("well"), doing=planning, dry=True)
    assert (report["outcome"], report["dry"]) == ("planned", True)
    assert report["hosts"]["@fake/well"]["result"] == "not begun"


def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each host has its own reasons, and the one that was right was not begun."""

    def refusing(state: State) -> None:
        for host in state.inventory:
            state.activate_host(host)
        raise DeployError("refused, nothing was changed on any host")

    held = Reason("port", "instances/chat/port", "8000 is held", "a free port", "stop it")
    remark = Reason("clock", "system/clock", "no daemon", "one", "install it", refuses=False)
    monkeypatch.setattr(preflight, "verdicts", lambda: {"@fake/busy": [held, remark]})
    report = left(tmp_path, fake("busy"), fake("right"), doing=refusing)
    assert report["outcome"] == "refused"
    assert report["error"] == "DeployError: refused, nothing was changed on any host"
    assert report["hosts"]["@fake/busy"]["result"] == "refused"
    assert report["hosts"]["@fake/busy"]["reasons"] == [str(held)]
    assert report["hosts"]["@fake/right"]["result"] == "not begun"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (SystemExit("prune: 3, yes and no are right"), "prune: 3, yes and no are right"),
        (DeployError("no such place"), "DeployError: no such place"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (EOFError(), "EOFError"),
    ],
)
def test_deploy_that_raises(tmp_path: Path, raised: BaseException, error: str) -> None:
    def raising(state: State) -> None:
        raise raised

    report = left(tmp_path, fake("well"), doing=raising)
    assert (report["outcome"], report["error"]) == ("failed", error)


def test_at_work_it_has_no_end(tmp_path: Path) -> None:
    """That is what a killed run leaves: who it was, and that it began."""

    def looking(state: State) -> None:
        (path,) = reports(tmp_path)
        text = path.read_text()
        assert '"outcome": null' in text
        assert f'"pid": {os.getpid()}' in text
        work(state)

    assert left(tmp_path, fake("well"), doing=looking)["outcome"] == "done"


def test_stopped(tmp_path: Path) -> None:
    """By Ctrl-C, at once: a host that is at work is left."""
    slow = {"fake_delay": 60, "fake_delay_jitter": 0}
    quick = {"fake_delay": 0, "fake_delay_jitter": 0}
    hosts = [("@fake/slow", slow), ("@fake/quick", quick)]
    (tmp_path / "site.py").write_text(f"hosts = {hosts!r}")
    deploy = tmp_path / "work.py"
    deploy.write_text(
        "from pyinfra.operations import server\nserver.shell(name='Work', commands=['work'])\n"
    )
    pyinfra = str(Path(sys.executable).with_name("pyinfra"))
    words = [pyinfra, "-y", str(tmp_path / "site.py"), str(deploy)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        while "operation: Work" not in (line := run.stderr.readline()):
            assert line, "it ended before"
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=50)
    assert run.returncode == 130
    assert "stopping as you asked" in said
    (path,) = reports(tmp_path)
    report = json.loads(path.read_text())
    assert (report["outcome"], report["error"]) == ("stopped", None)
    found = report["hosts"]["@fake/slow"]
    assert found["result"] == "cut off"
    assert [step["result"] for step in found["steps"]] == ["cut off"]
    assert report["hosts"]["@fake/quick"]["result"] == "done"


def test_report_that_cannot_be_written_costs_the_run_nothing(
    tmp_path: Path, echoed: list[str]
) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    with begun(tmp_path, [fake("well")]) as state:
        work(state)
        assert not state.failed_hosts
    (said,) = [line for line in echoed if "report" in line]
    assert said.startswith("the report of this run was not written: ")
    assert str(tmp_path / "reports") in said


def test_report_that_cannot_be_made_costs_the_run_nothing(
    tmp_path: Path, echoed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "verdicts", lambda: None)
    with begun(tmp_path, [fake("well")]) as state:
        work(state)
        assert not state.failed_hosts
    assert echoed[-1].startswith("the report of this run was not written: AttributeError(")


@pytest.mark.parametrize(
    "words",
    [
        {"operations": ("exec", "true")},
        {"operations": ("debug-inventory",)},
        {"inventory": "@local"},
        {"inventory": ",".join(f"gpu-{index}.example" for index in range(99))},
        {"operations": ("deploy/status.py",)},
    ],
)
def test_what_leaves_none(tmp_path: Path, words: dict[str, Any]) -> None:
    with begun(tmp_path, [fake("well")], **words) as state:
        work(state)
    assert reports(tmp_path) == []


def test_lies_where_the_run_was_told(tmp_path: Path) -> None:
    with begun(tmp_path, [fake("well")], data={"reports": str(tmp_path / "all")}) as state:
        work(state)
    assert len(list((tmp_path / "all").iterdir())) == 1


def test_origin_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "site.py").write_text("hosts = []")
    found = origin.Origin(tmp_path / "site.py").told()
    assert (found["commit"], found["changed"]) == (None, None)


@pytest.mark.parametrize(
    ("said", "commit", "changed"),
    [("f" * 40, "f" * 40, False), ("f" * 40 + "-dirty", "f" * 40, True)],
)
def test_origin_names_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, commit: str, changed: bool
) -> None:
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\necho {said}\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "site.py").touch()
    found = origin.Origin(tmp_path / "site.py").told()
    assert (found["commit"], found["changed"]) == (commit, changed)


def test_who_still_is() -> None:
    owner = lock.owner()
    assert lock.at_work(owner) is True
    assert lock.at_work(owner | {"started": 1}) is False
    assert lock.at_work(owner | {"machine": "another"}) is None


def test_whom_a_run_did_without() -> None:
    many = [f"gpu-{number:02}" for number in range(1, 31)]
    said = "host(s) could not be reached and were left as they are"
    assert told.not_reached(many[:2]) == f"2 {said}: gpu-01, gpu-02"
    eight = ", ".join(many[:8])
    assert told.not_reached(many[:8]) == f"8 {said}: {eight}"
    assert told.not_reached(many) == f"30 {said}: {eight} and 22 more"
