"""What was measured as the operator sees it, and what fails a run."""

import json
from typing import Any

import pytest
from pyinfra.api import StringCommand

from roles.aisbench import table
from roles.hostside.aisbench_results import STATISTICS
from roles.spec import Benchmark
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

READ = "/usr/bin/python3 /opt/metalserve/hostside/aisbench.py chat accuracy"
ACCURACY = {
    "kind": "accuracy", "accuracy": 79.5, "questions": 100, "failed": 0, "of": 100, "why": "",
    "dataset": "/mnt/textvqa",
}  # fmt: skip
PERFORMANCE = {
    "kind": "performance", "requests": 32.0, "failed": 0.0, "of": 32, "why": "", "at_once": 4.0,
    "took_ms": 2400.0, "tokens_per_s": 266.8551, "requests_per_s": 16.6784,
    "measures": {name: dict.fromkeys(STATISTICS, 7.5) for name in table._MEASURES},
}  # fmt: skip


def _judged(nouns: Nouns, stdout: str, wanted: Benchmark) -> tuple[bool, Any]:
    said = {READ: {"stdout": stdout, "success": True, "stderr": "no [/such] file"}}
    with on_host(nouns.chat(), bare(), fake_responses=said) as host:
        well = table.judged(
            host.state, host, command=StringCommand(READ), instance="chat", kind="accuracy",
            wanted=wanted,
        )  # fmt: skip
        return well, host.connector_data.get(table.MEASURED)


def test_reached(nouns: Nouns, capsys: pytest.CaptureFixture[str]) -> None:
    well, kept = _judged(nouns, json.dumps(ACCURACY), Benchmark(accuracy_at_least=79))
    assert well
    assert kept == {"chat": {"accuracy": ACCURACY | {"refused": []}}}
    shown = capsys.readouterr().err
    assert shown.startswith("@fake/gpu-1 chat: accuracy, AISBench")
    assert "│ 79.50            │ 100       │ 100      │ 0      │ /mnt/textvqa │" in shown


def test_missed(nouns: Nouns, echoed: list[str]) -> None:
    well, kept = _judged(nouns, json.dumps(ACCURACY), Benchmark(accuracy_at_least=80))
    reason = "accuracy of 100 is 79.5, should be 80 at least"
    assert (well, kept["chat"]["accuracy"]["refused"]) == (False, [reason])
    assert echoed == [f"[@fake/gpu-1] chat: {reason}"]


def test_how_fast(nouns: Nouns, capsys: pytest.CaptureFixture[str]) -> None:
    well, _ = _judged(nouns, json.dumps(PERFORMANCE), Benchmark())
    assert well
    shown = capsys.readouterr().err
    assert "first token, ms " in shown
    assert "32 requests, 4 at once, 0 failed, in 2.4 s" in shown
    assert "266.855 tokens/s answered, 16.6784 requests/s" in shown


@pytest.mark.parametrize("stdout", ["", "null", "Traceback", '{"kind": "performance"}'])
def test_no_report(nouns: Nouns, echoed: list[str], stdout: str) -> None:
    well, kept = _judged(nouns, stdout, Benchmark())
    assert (well, kept) == (False, None)
    said = "\n".join([*filter(None, [stdout]), "no [/such] file"])
    assert echoed == [f"[@fake/gpu-1] chat: accuracy cannot be read: {said}"]
