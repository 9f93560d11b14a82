"""Jobs survive whoever asked for them, and are found again."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import durable
import jobs
import places
import pytest

from tests.roles.hostside.staged import UNIT, Host
from tests.standins.systemctl.systemd import Systemd

COUNT = """\
import sys, time, durable, jobs, progress
plan = durable.read_json(sys.argv[1] + "/plan.json")
told = progress.Progress(sys.argv[1])
for stage in ("one", "two"):
    told.say(stage, 1 << 20, 2 << 20)
    time.sleep(plan["takes_s"])
if plan.get("dies"):
    raise SystemExit("why it died")
jobs.finish(sys.argv[1], {"ok": plan["ok"], "summary": "counted"})
"""
UNIT_OF_COUNT = "metalserve-job-count-1.service"


@pytest.fixture
def count(installed: Path, systemd: Systemd) -> Path:
    """A host with a job that counts."""
    (installed / "count.py").write_text(COUNT)
    looks = installed / "jobs.py"
    looks.write_text(looks.read_text().replace("_LOOK_EVERY_S = 0.2", "_LOOK_EVERY_S = 0.02"))
    return installed


def _command(count: Path, script: str = "count", name: str = "count-1") -> list[str]:
    return [sys.executable, "-SE", f"{count}/jobs.py", "run", name, script, uuid4().hex]


def _run(count: Path, **plan: Any) -> tuple[int, list[str]]:
    done = subprocess.run(
        _command(count), input=json.dumps(plan), stdout=subprocess.PIPE, text=True, timeout=600
    )
    return done.returncode, done.stdout.splitlines()


def test_job_is_followed_to_its_end(count: Path, systemd: Systemd) -> None:
    code, lines = _run(count, ok=True, takes_s=0.25)
    assert code == 0
    assert lines == [
        "one: 1 MiB of 2 MiB",
        "two: 1 MiB of 2 MiB",
        "counted",
    ]
    folder = Path(places.job("count-1"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(folder / f"{name}.json").stat().st_mode & 0o777 for name in ("plan", "result")] == [
        0o600,
        0o600,
    ]
    [started] = [call for call in systemd.calls if call.startswith("systemd-run")]
    assert started == (
        f"systemd-run --quiet --collect --unit {UNIT_OF_COUNT} --property TimeoutStopSec=2h "
        f"--property WorkingDirectory=/ {sys.executable} {count}/count.py {folder}"
    )


def test_job_that_ended_while_nobody_watched_is_not_run_again(
    count: Path, systemd: Systemd
) -> None:
    command = _command(count)
    plan = json.dumps({"ok": True, "takes_s": 0})
    told = [
        subprocess.run(command, input=plan, stdout=subprocess.PIPE, text=True, timeout=600).stdout
        for _ in range(2)
    ]
    assert told[0].endswith("counted\n")
    assert told[1].splitlines() == ["count-1 has ended", "counted"]
    assert len([call for call in systemd.calls if call.startswith("systemd-run")]) == 1


def test_job_that_fails_ends_with_1(count: Path) -> None:
    code, lines = _run(count, ok=False, takes_s=0)
    assert (code, lines[-1]) == (1, "counted")


def test_job_that_dies_shows_its_last_lines(count: Path) -> None:
    code, lines = _run(count, ok=True, takes_s=0, dies=True)
    assert code == 1
    assert lines[-2:] == [
        "the job count-1 ended without a result; its last lines were:",
        "why it died",
    ]


def test_result_of_an_earlier_job_is_not_this_one_s(count: Path) -> None:
    code, lines = _run(count, ok=True, takes_s=0)
    assert (code, lines[-1]) == (0, "counted")
    code, lines = _run(count, ok=True, takes_s=0, dies=True)
    assert (code, lines[-1]) == (1, "why it died")


def _started(count: Path, systemd: Systemd, plan: Any) -> subprocess.Popen[str]:
    """Start a job and a watcher."""
    watcher = subprocess.Popen(
        _command(count), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert watcher.stdin
    watcher.stdin.write(json.dumps(plan))
    watcher.stdin.close()
    deadline = time.monotonic() + 600
    while not systemd.active(UNIT_OF_COUNT):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return watcher


def test_job_survives_its_watcher_and_is_attached_to(count: Path, systemd: Systemd) -> None:
    plan = {"ok": True, "takes_s": 0.4}
    watcher = _started(count, systemd, plan)
    watcher.kill()
    watcher.wait()
    code, lines = _run(count, **plan)
    assert code == 0
    assert lines[0] == "attached to count-1, at work since Mon 2026-01-05 10:00:00 UTC"
    assert lines[-1] == "counted"
    assert len([call for call in systemd.calls if call.startswith("systemd-run")]) == 1


def test_plan_that_was_made_from_what_the_job_changes_is_the_same(
    count: Path, systemd: Systemd
) -> None:
    """An activation has moved the link meanwhile that the next run looks at."""
    systemd.at_work(UNIT_OF_COUNT)
    plan = {"release": "new", "from": "old"}
    durable.write_json(places.job("count-1") + "/plan.json", plan)
    since = "at work since Mon 2026-01-05 10:00:00 UTC"
    for serving in ("old", "new"):
        said = jobs.start("count-1", "count", "second", plan | {"from": serving})
        assert said == f"attached to count-1, {since}"
    with pytest.raises(SystemExit, match="count-1: another plan is at work since"):
        jobs.start("count-1", "count", "second", plan | {"release": "other"})


def test_another_plan_is_not_mixed_with_the_one_at_work(count: Path, systemd: Systemd) -> None:
    watcher = _started(count, systemd, {"ok": True, "takes_s": 0.3})
    other = subprocess.run(
        _command(count), input='{"ok": false, "takes_s": 0}', stderr=subprocess.PIPE, text=True
    )
    assert other.returncode == 1
    assert other.stderr == (
        "count-1: another plan is at work since Mon 2026-01-05 10:00:00 UTC, so this one was not "
        f"started; wait for it (journalctl -fu {UNIT_OF_COUNT}) and run again\n"
    )
    assert watcher.wait() == 0


def test_refusal_of_systemd_is_told(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd.refuses_jobs = "Failed to start transient service unit: Access denied"
    with pytest.raises(SystemExit) as refused:
        jobs.start("count-1", "count", "run", {})
    assert str(refused.value) == (
        "count-1: systemd refused the job: Failed to start transient service unit: Access denied"
    )


def test_job_that_is_killed_in_an_activation_is_recovered(host: Host, installed: Path) -> None:
    """The real thing: a real job under the stand-in, killed, and what systemd runs after it."""
    host.serving("old")
    before = host.state
    host.misbehave("new", starts_in_s=0.5)
    name = "activate-chat"

    def on_call(said: str) -> None:
        if said == f"systemctl start {UNIT}" and host.state["current"] == "new":
            host.systemd.on_call = lambda _: None
            host.systemd.kill(jobs.unit(name))

    host.systemd.on_call = on_call
    done = subprocess.run(
        _command(installed, "activate", name),
        input=json.dumps(host.plan("new")),
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == [
        "the job was killed at step restart",
        "state: old serves again and answers right",
    ]
    assert host.serves == "old"
    assert host.state == before
    [started] = [call for call in host.systemd.calls if call.startswith("systemd-run")]
    after = f"ExecStopPost={sys.executable} {installed}/recovery.py job chat"
    assert f"--property {after} " in started


def test_activation_as_a_real_job(host: Host, installed: Path) -> None:
    host.serving("old")
    done = subprocess.run(
        _command(installed, "activate", "activate-chat"),
        input=json.dumps(host.plan("new")),
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0
    summary = done.stdout.splitlines()[-1]
    assert summary.startswith(f"new serves on port {host.port}, 1 of 1 answers right, after ")
    result = durable.read_json(places.job("activate-chat") + "/result.json")
    assert (result["summary"], result["report"][0]["got"]) == (summary, "4")
    assert host.serves == "new"
    assert "sesame" not in done.stdout


def test_words_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["jobs.py", "stop", "x"])
    with pytest.raises(SystemExit, match=r"usage: jobs\.py run NAME SCRIPT RUN < PLAN"):
        jobs.main()


def test_result_that_came_while_looking_counts(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = places.job("count-1")
    Path(folder).mkdir(parents=True)
    systemd.at_work(UNIT_OF_COUNT)
    asked = 0

    def on_call(said: str) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            jobs.finish(folder, {"ok": True, "summary": "done"})
            systemd.units.clear()

    systemd.on_call = on_call
    assert jobs.follow("count-1") == {"ok": True, "summary": "done"}


def test_plan_comes_on_the_input(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in words that everybody on the host could read."""
    monkeypatch.setattr("sys.argv", ["jobs.py", "run", "count-1", "count", "run"])
    monkeypatch.setattr("sys.stdin", io.StringIO('{"word": "sesame"}'))
    systemd.refuses_jobs = "no"
    with pytest.raises(SystemExit):
        jobs.main()
    assert durable.read_json(places.job("count-1") + "/plan.json") == {"word": "sesame"}
    assert "sesame" not in " ".join(systemd.calls)
