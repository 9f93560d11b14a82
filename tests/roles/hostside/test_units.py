"""What systemd tells of our units, all at once: on the bus, or by its tool where there is none."""

import subprocess
from typing import Any

import bus
import places
import pytest
import units

_ROWS = """\
metalserve-job-fetch-1.service loaded activating start metalserve: fetch-1
metalserve-vllm@chat.service loaded active running metalserve: chat
metalserve-vllm@draw.service loaded failed failed metalserve: draw
metalserve-ollama@talk.service loaded activating auto-restart metalserve: talk
"""
_STATES = {
    "metalserve-vllm@chat.service": "active",
    "metalserve-vllm@draw.service": "failed",
    "metalserve-ollama@talk.service": "activating (auto-restart)",
}


@pytest.fixture(autouse=True)
def no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "BUS", "/not there")


def test_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 0, _ROWS)

    monkeypatch.setattr(subprocess, "run", run)
    at_work, states = units.seen()
    assert at_work == ["fetch-1"]
    assert states == _STATES
    assert [units.instance(unit) for unit in states] == ["chat", "draw", "talk"]


def _row(name: str, state: str, more: str, follows: str = "", job: int = 0) -> list[Any]:
    """Return what ``ListUnitsByPatterns`` tells of a unit."""
    kind, path = ("start", "/job") if job else ("", "/")
    return [name, "metalserve: it", "loaded", state, more, follows, "/unit", job, kind, path]


def test_seen_on_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the tool shows it: what is at rest and waits for nothing is left out, the rest by name."""
    rows = [
        _row("metalserve-job-prune.service", "active", "running"),
        _row("metalserve-ollama@talk.service", "activating", "auto-restart", job=7),
        _row("metalserve-vllm@draw.service", "failed", "failed"),
        _row("metalserve-job-Fetch-1.service", "activating", "start"),
        _row("metalserve-vllm@chat.service", "active", "running"),
        _row("metalserve-vllm@rest.service", "inactive", "dead"),
        _row("metalserve-vllm@same.service", "active", "running", follows="another.service"),
        _row("metalserve-vllm@next.service", "inactive", "dead", job=8),
    ]
    asked: list[Any] = []

    def answers(*questions: Any) -> list[Any]:
        asked.extend(questions)
        return [rows]

    monkeypatch.setattr(bus, "answers", answers)
    monkeypatch.setattr(subprocess, "run", None)
    at_work, states = units.seen()
    assert at_work == ["Fetch-1", "prune"]
    assert states == _STATES | {"metalserve-vllm@next.service": "inactive (dead)"}
    assert asked == [bus.units("metalserve-job-*.service", "metalserve-*@*.service")]


def test_systemd_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "")
    )
    with pytest.raises(OSError, match="systemctl does not tell what runs"):
        units.seen()
