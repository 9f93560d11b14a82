"""Questions to a server that really listens: what passes, and what is said of what does not."""

import json
import time
from pathlib import Path
from typing import Any

import ask
import durable
import places
import pytest
import served

from tests.roles.hostside.staged import SUM, UNIT, Host
from tests.standins.ports import free_port
from tests.standins.systemctl.answering import Answering, Manner, answering


def _question(**other: Any) -> dict[str, Any]:
    return {**SUM, "within_s": 2.0, **other}


def _server(server: Answering, key: str = "") -> served.Server:
    return served.Server("127.0.0.1", server.port, "canary", key)


def _asked(manner: Manner, **other: Any) -> dict[str, Any]:
    with answering(manner) as server:
        return ask.ask(_server(server), _question(**other))


def test_right_answer_passes_with_everything_that_reports_show() -> None:
    found = _asked(Manner())
    latency_s = found.pop("latency_s")
    assert 0 <= latency_s < 300
    assert found == {
        "check": "sum",
        "kind": "text",
        "question": "2 + 2 =",
        "expected": "4",
        "got": "4",
        "first_token_s": None,
        "passed": True,
        "why": "",
    }


def test_request_is_as_the_api_wants_it_and_always_the_same() -> None:
    manner = Manner()
    _asked(manner)
    assert manner.asked == [
        {
            "model": "canary",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "2 + 2 ="}]}],
            "max_tokens": 8,
            "temperature": 0,
        }
    ]


def test_by_generate_the_question_comes_again_and_does_not_count() -> None:
    """The answer has to hold what is expected, and not the question."""
    manner = Manner(answers={"Red or blue?": "Blue."})
    assert _asked(manner, by="generate", prompt="Red or blue?", expect="Blue.", match="exact")[
        "passed"
    ]
    found = _asked(manner, by="generate", prompt="Red or blue?", expect="red")
    assert (found["passed"], found["got"]) == (False, "Blue.")


@pytest.mark.parametrize("kind", ["image", "video"])
def test_by_generate_media_are_named_as_in_mindies_examples(kind: str) -> None:
    manner = Manner()
    url = f"data:{kind}/x;base64,AAAA"
    _asked(manner, by="generate", kind=kind, media=url)
    assert manner.asked == [
        {
            "model": "canary",
            "prompt": [
                {"type": f"{kind}_url", f"{kind}_url": url},
                {"type": "text", "text": "2 + 2 ="},
            ],
            "max_tokens": 8,
            "temperature": 0,
            "stream": False,
        }
    ]


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        (Manner(status=422, body=b'{"error":"too long"}'), 'answered 422: {"error":"too long"}'),
        (Manner(body=b'{"text": []}'), "list index out of range"),
        (Manner(body=b"{}"), "'text'"),
    ],
)
def test_by_generate_what_is_no_answer_is_told(manner: Manner, why: str) -> None:
    found = _asked(manner, by="generate")
    assert (found["passed"], found["why"]) == (False, why)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_media_go_before_the_question(kind: str) -> None:
    manner = Manner(answers={"What is in the picture?": "A RED circle"})
    media = f"data:{kind}/x;base64,AAAA"
    found = _asked(
        manner, kind=kind, prompt="What is in the picture?", media=media, expect="red circle"
    )
    assert found["passed"]
    assert manner.asked[0]["messages"][0]["content"] == [
        {"type": f"{kind}_url", f"{kind}_url": {"url": media}},
        {"type": "text", "text": "What is in the picture?"},
    ]


def test_stream_is_put_together_and_its_first_token_timed() -> None:
    found = _asked(Manner(answers={"2 + 2 =": "It is 4."}), kind="stream")
    assert (found["passed"], found["got"], found["why"]) == (True, "It is 4.", "")
    assert 0 < found["first_token_s"] <= found["latency_s"]


@pytest.mark.parametrize(
    ("match", "answer", "passed"),
    [
        ("contains", "It is 4.", True),
        ("contains", "It is FOUR", False),
        ("exact", " 4\n", True),
        ("exact", "4.", False),
    ],
)
def test_match(match: str, answer: str, passed: bool) -> None:
    found = _asked(Manner(answers={"2 + 2 =": answer}), match=match)
    assert found["passed"] is passed
    assert found["why"] == ("" if passed else f"answered {answer.strip()!r}, expected '4'")


def test_contains_does_not_mind_case() -> None:
    assert _asked(Manner(answers={"2 + 2 =": "FOUR"}), expect="Four")["passed"]


MESSAGE = {"choices": [{"message": {"content": ["4"]}}]}


@pytest.mark.parametrize(
    ("manner", "kind", "why"),
    [
        (Manner(answers={}), "text", "answered 'I do not know', expected '4'"),
        (Manner(answers={"2 + 2 =": ""}), "stream", "answered '', expected '4'"),
        (Manner(status=503), "text", "answered 503: engine is dead"),
        (Manner(status=503), "stream", "answered 503: engine is dead"),
        (Manner(key="sesame"), "text", 'answered 401: {"error": "Unauthorized"}'),
        (Manner(body=b"<html>"), "text", "Expecting value"),
        (Manner(body=b""), "text", "Expecting value"),
        (Manner(body=b"[]"), "text", "list indices must be integers"),
        (Manner(body=b'{"choices": []}'), "text", "list index out of range"),
        (Manner(body=b'{"choices": [{"message": null}]}'), "text", "'NoneType' object"),
        (Manner(body=json.dumps(MESSAGE).encode()), "text", "'list' object has no attribute"),
        (Manner(lines=(b"data: <html>\n\n",)), "stream", "Expecting value"),
        (Manner(lines=(b"data: []\n\n",)), "stream", "'list' object has no attribute"),
        (Manner(lines=(b'data: {"choices": ["4"]}\n\n',)), "stream", "'str' object has no"),
        (
            Manner(lines=(b'data: {"error": {"message": "EngineDeadError"}}\n\n',)),
            "stream",
            'the stream ended in an error: {"error": {"message": "EngineDeadError"}}',
        ),
        (
            Manner(lines=(b'data: {"choices": [{"delta": {"content": "It is 4"}}]}\n\n',)),
            "stream",
            "the stream broke off after 'It is 4'",
        ),
        (
            Manner(lines=(b'data: {"choices": [{"delta": {"content": "4"}}]}\n\n',), cut=True),
            "stream",
            "",
        ),
    ],
)
def test_wrong_answer_is_told(manner: Manner, kind: str, why: str) -> None:
    found = _asked(manner, kind=kind)
    assert not found["passed"]
    assert found["why"]
    assert why in found["why"]


def test_long_refusal_is_cut() -> None:
    found = _asked(Manner(status=500, body=b"x" * 9999))
    assert found["why"] == "answered 500: " + "x" * 500


def test_nobody_listens() -> None:
    found = ask.ask(served.Server("127.0.0.1", free_port(), "canary", ""), _question())
    assert not found["passed"]
    assert "Connection refused" in found["why"]


def test_server_hangs() -> None:
    began = time.monotonic()
    found = _asked(Manner(hang=True), within_s=0.2)
    assert found["why"] == "no answer within 0.2 s"
    assert time.monotonic() - began < 300


def test_right_answer_too_late_does_not_pass() -> None:
    with answering(Manner(after_s=0.15)) as server:
        asked = _server(server)
        # The time bound of the socket starts anew with each read, that of the question does not.
        found: dict[str, Any] = {"got": "", "passed": False, "why": ""}
        question = _question(within_s=30)
        ask._ask_known(asked, question, found, time.monotonic() - 29.9)
    assert not found["passed"]
    assert found["why"] == "answered right, but after more than 30 s"


def test_malformed_request_is_refused_and_the_next_one_answered() -> None:
    found = _asked(Manner(), kind="error", prompt="no list", expect="")
    assert (found["passed"], found["got"], found["why"]) == (True, "400", "")


def test_malformed_request_that_is_answered_is_wrong() -> None:
    found = _asked(Manner(lenient=True), kind="error", prompt="no list", expect="")
    assert found["why"] == "a malformed request was answered 200, not 4xx"


def test_server_that_a_malformed_request_broke_is_wrong() -> None:
    found = _asked(Manner(status=500), kind="error", prompt="no list", expect="")
    assert found["why"] == "after a malformed request a good one got 500: engine is dead"


def test_key_is_shown_and_never_reported() -> None:
    with answering(Manner(key="sesame")) as server:
        right = ask.ask(_server(server, "sesame"), _question())
        wrong = ask.ask(_server(server, "guess-1234"), _question())
    assert right["passed"]
    assert wrong["why"].startswith("answered 401")
    assert "sesame" not in json.dumps(right)
    assert "guess-1234" not in json.dumps(wrong)


def test_wrong_names_check_and_kind() -> None:
    report = [_asked(Manner()), _asked(Manner(status=503), kind="image", name="red")]
    assert ask.wrong(report) == ["red (image): answered 503: engine is dead"]


def test_every_question_of_a_release_is_asked(host: Host) -> None:
    host.serving("old")
    said: list[str] = []
    report = ask.ask_all("chat", "old", said.append)
    assert [answer["passed"] for answer in report] == [True]
    assert said == ["asking: 1 of 1, sum"]


def test_release_without_questions_is_refused(host: Host) -> None:
    Path(places.checks("chat"), "old.json").unlink()
    with pytest.raises(FileNotFoundError, match="no questions are staged for chat old"):
        ask.ask_all("chat", "old")


def test_server_that_waits_for_its_hosts(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each question would tell no more than that nobody listens."""
    host.serving("old")
    durable.write_json(places.waits("chat"), {"for": "10.0.0.2 is inactive, not about to start"})
    monkeypatch.setattr("sys.argv", ["ask.py", "chat"])
    with pytest.raises(SystemExit) as ended:
        ask.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "it does not serve, waiting to begin together: 10.0.0.2 is inactive, not about to start\n"
    )


def test_script_reports_and_ends_with_1_when_wrong(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ask.py", "chat"])
    with pytest.raises(SystemExit) as ended:
        ask.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "chat has no release\n"

    host.serving("old")
    with pytest.raises(SystemExit) as ended:
        ask.main()
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)[0]["got"] == "4"

    manner = host.systemd.served(UNIT)
    assert manner is not None
    manner.answers.clear()
    with pytest.raises(SystemExit) as ended:
        ask.main()
    assert ended.value.code == 1
    assert "sesame" not in capsys.readouterr().out
