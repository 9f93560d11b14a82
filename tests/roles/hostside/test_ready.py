"""Ready is a completion; until then the reason is told."""

import os
import subprocess
import time
from typing import Any

import pytest
import ready
import served

from tests.roles.hostside.staged import Host
from tests.standins.ports import free_port
from tests.standins.systemctl.answering import Manner, answering


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than in earnest."""
    monkeypatch.setattr(ready, "_EVERY_S", 0.02)


def _wait(manner: Manner, within_s: float, *, key: str = "") -> str:
    with answering(manner) as server:
        asked = served.Server("127.0.0.1", server.port, "canary", key)
        return ready.wait(asked, within_s, os.getpid())


def test_server_that_completes_is_ready() -> None:
    manner = Manner(key="sesame")
    assert _wait(manner, 5, key="sesame") == ""
    assert [asked["max_tokens"] for asked in manner.asked] == [1]


def test_server_that_comes_up_late_is_waited_for() -> None:
    port, pid = free_port(), os.getpid()
    said = ready.wait(served.Server("127.0.0.1", port, "canary", ""), 0.1, pid)
    assert said == f"no completion within 0 s; nothing listened on port {port}"


@pytest.mark.parametrize(
    ("manner", "last"),
    [
        (Manner(status=503), "the last answer was 503: engine is dead"),
        (Manner(body=b"<html>"), "the last request failed: Expecting value"),
        (Manner(body=b'{"choices": []}'), "the last request failed: list index out of range"),
        (Manner(body=b'{"choices": [{"message": null}]}'), "the last request failed: 'NoneType'"),
        (Manner(body=b"[]"), "the last request failed: list indices must be integers"),
    ],
)
def test_server_that_never_completes_is_told(manner: Manner, last: str) -> None:
    said = _wait(manner, 0.1)
    assert said.startswith(f"no completion within 0 s; {last}")


def test_server_that_refuses_its_own_key_is_not_waited_for() -> None:
    said = _wait(Manner(key="sesame"), 60)
    assert said == (
        'the server does not take its own key, the last answer was 401: {"error": "Unauthorized"}'
    )


def test_server_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_ANSWER_S", 0.1)
    assert _wait(Manner(hang=True), 0.15) == (
        "no completion within 0 s; the last request failed: timed out"
    )


def test_process_that_is_gone_is_not_waited_for() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    began = time.monotonic()
    said = ready.wait(served.Server("127.0.0.1", free_port(), "canary", ""), 600, gone.pid)
    assert said == f"the server's process {gone.pid} is gone"
    assert time.monotonic() - began < 300


def _main(monkeypatch: pytest.MonkeyPatch, **variables: Any) -> None:
    monkeypatch.setattr("sys.argv", ["ready.py", "chat"])
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    ready.main()


def test_script_asks_the_current_release_with_its_key(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    _main(monkeypatch, MAINPID=os.getpid())
    assert capsys.readouterr().out == "ready after 0.0 s\n"


def test_script_ends_with_1_and_the_reason(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    with subprocess.Popen(["true"]) as gone:
        pass
    with pytest.raises(SystemExit) as ended:
        _main(monkeypatch, MAINPID=gone.pid)
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"not ready: the server's process {gone.pid} is gone\n"


@pytest.mark.parametrize(
    ("page", "health", "added"),
    [
        ("/health", (200, ""), ""),
        (None, (503, "dead"), ""),
        ("/health", (503, ""), "; /health says 503: nothing"),
        (
            "/health",
            (503, '{"status": "unhealthy", "message": "The scheduler stands still."}'),
            '; /health says 503: {"status": "unhealthy", "message": "The scheduler stands still."}',
        ),
    ],
)
def test_server_that_knows_that_it_failed_is_quoted(
    page: str | None, health: tuple[int, str], added: str
) -> None:
    manner = Manner(status=500, health=health)
    with answering(manner) as server:
        asked = served.Server("127.0.0.1", server.port, "canary", "")
        said = ready.wait(asked, 0.1, os.getpid(), page)
    assert said == f"no completion within 0 s; the last answer was 500: engine is dead{added}"


def test_server_that_fails_for_a_while_is_waited_for() -> None:
    """Kernels that are compiled for minutes look like a failure from there."""
    manner = Manner(health=(503, "unhealthy"))
    with answering(manner) as server:
        asked = served.Server("127.0.0.1", server.port, "canary", "")
        assert ready.wait(asked, 5, os.getpid(), "/health") == ""


def _managed(health: tuple[int, str], within_s: float = 0.1) -> tuple[str, Manner]:
    """Wait for a server whose readiness another listener tells."""
    manner = Manner()
    with answering(manner) as server, answering(Manner(health=health)) as management:
        asked, told = (
            served.Server("127.0.0.1", one.port, "canary", "") for one in (server, management)
        )
        return ready.wait(asked, within_s, os.getpid(), "/v2/health/ready", told), manner


def test_server_with_a_plane_for_management_is_asked_there_first() -> None:
    said, manner = _managed((200, ""))
    assert said == ""
    assert len(manner.asked) == 1


@pytest.mark.parametrize(
    ("health", "last"),
    [
        ((503, ""), "/v2/health/ready says 503: nothing"),
        ((500, '{"message":"Service is abnormal"}'),
         '/v2/health/ready says 500: {"message":"Service is abnormal"}'),
    ],
)  # fmt: skip
def test_server_that_does_not_say_it_is_ready_is_asked_nothing(
    health: tuple[int, str], last: str
) -> None:
    said, manner = _managed(health)
    assert said == f"no completion within 0 s; {last}"
    assert manner.asked == []


def test_management_that_does_not_listen_is_waited_for() -> None:
    port = free_port()
    with answering(Manner()) as server:
        asked = served.Server("127.0.0.1", server.port, "canary", "")
        management = served.Server("127.0.0.1", port, "canary", "")
        said = ready.wait(asked, 0.1, os.getpid(), "/v2/health/ready", management)
    assert said == f"no completion within 0 s; nothing listened on port {port}"


def test_script_asks_the_plane_that_the_release_names(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serving("old")
    with answering(Manner(health=(503, "busy"))) as management:
        planes = {"management": {"address": "127.0.0.1", "port": management.port}}
        host.stage("old", planes=planes, health="/v2/health/ready", ready_within_s=0.1)
        with pytest.raises(SystemExit):
            _main(monkeypatch, MAINPID=os.getpid())
    said = capsys.readouterr().err
    assert said == "not ready: no completion within 0 s; /v2/health/ready says 503: busy\n"
