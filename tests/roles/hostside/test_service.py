"""Units are started until ready and stopped until gone; who holds a port is found out."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import service

from tests.roles.hostside.staged import UNIT, Host


def test_start_waits_and_tells_how_long(host: Host) -> None:
    host.serving("old")
    service.stop(UNIT)
    host.misbehave("old", starts_in_s=0.5)
    heard: list[float] = []
    assert service.start(UNIT, 60, heard.append)
    assert heard == sorted(heard)
    assert heard[0] == pytest.approx(0.2, abs=0.15)
    assert service.active(UNIT)


@pytest.mark.parametrize(("silent", "told"), [(2, "active"), (9, "")])
def test_state_is_asked_for_again_while_systemd_takes_over_from_itself(
    silent: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(words: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        asked.append(words)
        said = "active\n" if len(asked) > silent else ""
        return subprocess.CompletedProcess(words, 0 if said else 1, said)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(service, "_ASKED_EVERY_S", 0.01)
    assert service.state(UNIT) == told
    assert len(asked) == min(silent + 1, 5)


def test_start_that_fails_is_no_success(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    host.serving("old")
    service.stop(UNIT)
    host.misbehave("old", fails_to_start=("died",))
    assert not service.start(UNIT, 60, print)
    assert not service.active(UNIT)
    assert capfd.readouterr().err.startswith(f"Job for {UNIT} failed")


def test_start_that_hangs_is_stopped(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.serving("old")
    service.stop(UNIT)
    host.misbehave("old", starts_in_s=2)
    monkeypatch.setattr(service, "_GRACE_S", 0.1)
    calls = len(host.systemd.calls)
    service.start(UNIT, 0.1, lambda _: None)
    assert f"systemctl stop {UNIT}" in host.systemd.calls[calls:]


def test_start_of_a_unit_that_is_not_there(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    assert not service.start("metalserve-mindie@chat.service", 60, print)
    assert "Unit metalserve-mindie@chat.service not found." in capfd.readouterr().err


def test_stop_is_silent_about_a_unit_that_is_not_there(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    service.stop("metalserve-mindie@chat.service")
    assert capfd.readouterr() == ("", "")


def test_log_begins_at_its_time_to_the_microsecond(host: Host) -> None:
    for unit, line in ((UNIT, "before"), ("other.service", "other")):
        host.systemd.log(unit, line)
    time.sleep(0.001)
    began = time.monotonic()
    time.sleep(0.001)
    host.systemd.log(UNIT, "after")
    assert service.log(UNIT, began) == ["after"]
    assert host.systemd.calls[-2] == "journalctl --sync"


def test_kernel_log_begins_at_its_time_and_is_the_kernels(host: Host) -> None:
    host.systemd.log("kernel", "before")
    time.sleep(0.001)
    began = time.monotonic()
    host.systemd.log(UNIT, "served")
    host.systemd.log("kernel", "eth0: link up")
    assert service.kernel_log(began) == ["eth0: link up"]


def test_log_that_is_no_text_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress bars are cut, and vendors' programs say anything; what was said before is over."""
    journalctl = tmp_path / "journalctl"
    entries = [("1999999", "before"), ("2000000", [*b"loading \xff"]), ("2000001", None)]
    entries += [("2000002", "OSError\n  at once")]
    lines = [json.dumps({"__MONOTONIC_TIMESTAMP": at, "MESSAGE": it}) for at, it in entries]
    listed = "\n".join(lines)
    journalctl.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}\nEND\n")
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert service.log(UNIT, 2.0) == ["loading \ufffd", "OSError", "  at once"]
