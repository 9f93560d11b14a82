"""What a server says of its work is counted exactly; what it does not say is not 0."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import metrics
import pytest

from tests.roles.hostside.staged import METRICS, UNIT, Host
from tests.standins.systemctl.answering import Manner

FOLDER = Path(__file__).parent / "samples/metrics"
VLLM = (FOLDER / "vllm.txt").read_text()
LMDEPLOY = (FOLDER / "lmdeploy.txt").read_text()
NAMES_OF_LMDEPLOY = {
    "running": "lmdeploy:num_requests_running",
    "waiting": "lmdeploy:num_requests_waiting",
    "kv_usage": "lmdeploy:gpu_cache_usage_perc",
    "first_token_s": "lmdeploy:time_to_first_token_seconds",
    "between_tokens_s": "lmdeploy:iter_token_latency",
    "preemptions": None,
    "finished": "lmdeploy:request_success_total",
    "refreshed_every_s": 10,
}


def serving(host: Host, text: str) -> Manner:
    """Let a release serve that says this of itself."""
    host.serving("old")
    manner = host.systemd.served(UNIT)
    assert manner is not None
    manner.metrics = lambda: text
    return manner


def test_in_flight_is_the_sum_over_every_engine(host: Host) -> None:
    serving(host, VLLM)
    assert metrics.in_flight("chat") == (2 + 1 + 1 + 4, "", 0)


def test_in_flight_of_lmdeploy_may_be_old(host: Host) -> None:
    host.stage("old", metrics=NAMES_OF_LMDEPLOY)
    serving(host, LMDEPLOY)
    assert metrics.in_flight("chat") == (2 + 1, "", 10)


@pytest.mark.parametrize("names", [METRICS, None])
def test_server_that_is_gone_has_nothing_in_flight(names: Any, host: Host) -> None:
    host.stage("old", metrics=names)
    host.serving("old")
    host.systemd.power_off()
    assert metrics.in_flight("chat") == (0, "", 0)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_server_that_refuses_is_not_idle(status: int, host: Host) -> None:
    serving(host, VLLM).metrics_status = status
    assert metrics.in_flight("chat") == (None, f"it answered {status}", 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no vllm:num_requests_running"),
        ("<html>", "line 1 is no metric: '<html>'"),
        ("vllm:num_requests_runs 7\n", "there is no vllm:num_requests_running"),
        ("vllm:num_requests_running 7\n", "there is no vllm:num_requests_waiting"),
        ("vllm:num_requests_running\n", "line 1 is no metric: 'vllm:num_requests_running'"),
        ("vllm:num_requests_running NaN\n", "vllm:num_requests_running is nan"),
        ("vllm:num_requests_running -1\n", "vllm:num_requests_running is -1.0"),
    ],
)
def test_server_that_talks_nonsense_is_not_idle(text: str, why: str, host: Host) -> None:
    serving(host, text)
    assert metrics.in_flight("chat") == (None, why, 0)


def test_server_that_hangs_is_not_idle(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_WITHIN_S", 0.1)
    host.serving("old")
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        host.stage("old", port=hangs.getsockname()[1])
        assert metrics.in_flight("chat") == (None, "timed out", 0)


def test_engine_without_metrics_is_not_idle(host: Host) -> None:
    host.stage("old", metrics=None)
    serving(host, VLLM)
    assert metrics.in_flight("chat") == (None, "its engine has no metrics that are known", 0)


def test_all_of_vllm(host: Host) -> None:
    serving(host, VLLM)
    assert metrics.read("chat") == {
        "running": 3,
        "waiting": 5,
        "kv_usage": 0.5,
        "preemptions": 3,
        "finished": {"stop": 10, "length": 4, "abort": 2, "error": 0},
        "first_token_s": 0.15,
        "between_tokens_s": None,
    }


def test_all_of_a_real_vllm(host: Host) -> None:
    """As vLLM 0.32 said it on a CPU, cut to a part: it works on four of six requests."""
    serving(host, (FOLDER / "vllm-0.32.txt").read_text())
    assert metrics.in_flight("chat") == (4 + 2, "", 0)
    assert metrics.read("chat") == {
        "running": 4,
        "waiting": 2,
        "kv_usage": 0.0014657383657017409,
        "preemptions": 0,
        "finished": {"stop": 0, "length": 1, "abort": 0, "error": 0, "repetition": 0},
        "first_token_s": 0.04409,
        "between_tokens_s": 0.022695,
    }


def test_all_of_lmdeploy(host: Host) -> None:
    host.stage("old", metrics=NAMES_OF_LMDEPLOY)
    serving(host, LMDEPLOY)
    assert metrics.read("chat") == {
        "running": 2,
        "waiting": 1,
        "kv_usage": 0.125,
        "preemptions": None,
        "finished": {"ResponseType.FINISH": 12, "ResponseType.CANCEL": 0},
        "first_token_s": 0.15,
        "between_tokens_s": None,
    }


def test_script_prints_json(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serving(host, VLLM)
    monkeypatch.setattr(sys, "argv", ["metrics.py", "chat"])
    metrics.main()
    assert json.loads(capsys.readouterr().out)["waiting"] == 5


def test_script_says_why_there_is_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serving(host, VLLM).metrics_status = 401
    monkeypatch.setattr(sys, "argv", ["metrics.py", "chat"])
    with pytest.raises(SystemExit, match=r"^1$"):
        metrics.main()
    assert capsys.readouterr().out == "chat does not say: it answered 401\n"
