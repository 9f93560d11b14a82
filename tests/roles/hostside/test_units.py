"""What systemd tells of our units, all at once."""

import subprocess
from typing import Any

import pytest
import units

_ROWS = """\
metalserve-job-fetch-1.service loaded activating start metalserve: fetch-1
metalserve-vllm@chat.service loaded active running metalserve: chat
metalserve-vllm@draw.service loaded failed failed metalserve: draw
metalserve-ollama@talk.service loaded activating auto-restart metalserve: talk
"""


def test_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 0, _ROWS)

    monkeypatch.setattr(subprocess, "run", run)
    at_work, states = units.seen()
    assert at_work == ["fetch-1"]
    assert states == {
        "metalserve-vllm@chat.service": "active",
        "metalserve-vllm@draw.service": "failed",
        "metalserve-ollama@talk.service": "activating (auto-restart)",
    }
    assert [units.instance(unit) for unit in states] == ["chat", "draw", "talk"]


def test_systemd_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "")
    )
    with pytest.raises(OSError, match="systemctl does not tell what runs"):
        units.seen()
