"""The answers of a server as the operator sees them, and what counts as right."""

import json
from typing import Any

import pytest
from pyinfra.api import StringCommand

from roles.check import operations, table
from tests.roles.faked import bare, on_host, told
from tests.roles.spec.nouns import Nouns

ASK = "/usr/bin/python3 /opt/metalserve/hostside/ask.py chat"


def _answer(**fields: Any) -> dict[str, Any]:
    right = {
        "check": "sum",
        "kind": "text",
        "question": "2 + 2 =",
        "expected": "4",
        "got": " 4\n",
        "latency_s": 0.126,
        "first_token_s": None,
        "passed": True,
        "why": "",
    }
    return right | fields


def _asked(nouns: Nouns, stdout: str, *, success: bool = True) -> tuple[bool, Any]:
    """Return whether all was right, and what was kept for programs."""
    spec, said = nouns.chat(), {ASK: {"stdout": stdout, "success": success, "stderr": "[/tmp] no"}}
    with on_host(spec, bare(), fake_responses=said) as host:
        right = table.asked(host.state, host, command=StringCommand(ASK), instance="chat")
        return right, host.connector_data.get(table.ANSWERS)


def _rows(shown: str) -> list[list[str]]:
    lines = [line for line in shown.splitlines() if line.startswith(("┃", "│"))]
    return [
        [cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in lines
    ]


def test_right(nouns: Nouns, capsys: pytest.CaptureFixture[str]) -> None:
    streamed = _answer(check="sum-streamed", kind="stream", first_token_s=0.0449)
    report = [_answer(), streamed]
    assert _asked(nouns, json.dumps(report)) == (True, {"chat": report})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0].strip() == "@fake/gpu-1 chat"
    assert _rows(shown.err) == [
        ["", "check", "kind", "question", "expected", "got", "seconds", "first token"],
        ["ok", "sum", "text", "2 + 2 =", "4", "4", "0.13", ""],
        ["ok", "sum-streamed", "stream", "2 + 2 =", "4", "4", "0.13", "0.04"],
    ]


def test_wrong(nouns: Nouns, capsys: pytest.CaptureFixture[str]) -> None:
    """One wrong answer is enough; why it is wrong stands where the answer would."""
    wrong = _answer(check="product", got="5", passed=False, why="answered '5', expected '4'")
    report = [_answer(), wrong]
    assert _asked(nouns, json.dumps(report), success=False) == (False, {"chat": report})
    assert _rows(capsys.readouterr().err)[-1] == [
        *("WRONG", "product", "text", "2 + 2 =", "4"),
        *("answered '5', expected '4'", "0.13", ""),
    ]


@pytest.mark.parametrize("got", ["[/INST] ok", "[bold]4[/bold]", "[red]", ":smile:", "[link=/a]4"])
def test_odd_answers_are_shown_as_they_are(
    nouns: Nouns, got: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table has markup of its own, which answers of a model often look like."""
    right, _ = _asked(nouns, json.dumps([_answer(got=got, question=got, check=got)]))
    assert right
    assert _rows(capsys.readouterr().err)[-1] == ["ok", got, "text", got, "4", got, "0.13", ""]


@pytest.mark.parametrize(
    "stdout", ["", "Traceback (most recent call last):\n[/opt] KeyError: 'chat'"]
)
def test_not_asked(nouns: Nouns, stdout: str, echoed: list[str]) -> None:
    assert _asked(nouns, stdout, success=False) == (False, None)
    said = "\n".join([*stdout.splitlines(), "[/tmp] no"])
    assert echoed == [f"[@fake/gpu-1] chat: was not asked: {said}"]


def test_no_question_is_no_right_answer(nouns: Nouns) -> None:
    assert _asked(nouns, "[]") == (False, {"chat": []})


def test_last_line_counts(nouns: Nouns) -> None:
    assert _asked(nouns, f"a greeting of the shell\n{json.dumps([_answer()])}")[0]


def test_operation(nouns: Nouns) -> None:
    """No lock, no probe: asking changes nothing."""
    spec = nouns.chat()
    ((function, given),) = told(
        operations.right_answers, spec, bare(), instance="chat", python=spec.python
    ).commands
    assert isinstance(given, dict)
    assert (function, given.pop("command").get_raw_value()) == ("asked", ASK)
    assert given == {"instance": "chat"}


def test_operation_without_a_server(nouns: Nouns) -> None:
    spec = nouns.chat()
    ((function, given),) = told(
        operations.right_answers_offline,
        spec, bare(), instance="chat", hosts=1, kind="video", python=spec.python,
    ).commands  # fmt: skip
    assert isinstance(given, dict)
    wanted = "/usr/bin/python3 /opt/metalserve/hostside/offline.py chat video"
    assert (function, given.pop("command").get_raw_value()) == ("asked", wanted)
    assert given == {"instance": "chat"}
