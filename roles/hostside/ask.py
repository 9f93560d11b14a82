"""
Questions to a running server, and whether it answered right.

``ask.py INSTANCE`` asks what the current release of an instance must answer and prints a report:
a list of ``{"check", "kind", "question", "expected", "got", "latency_s", "first_token_s", "passed",
"why"}``. It ends with 1 when an answer was wrong.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Dict, List

import durable
import places
import ranks
import served

Report = List[Dict[str, Any]]


def ask_all(instance: str, release: str, say: Any = None) -> Report:
    """Ask every question of a release; ``say`` hears which one is asked."""
    questions = durable.read_json("{}/{}.json".format(places.checks(instance), release))
    if not questions:
        raise FileNotFoundError("no questions are staged for {} {}".format(instance, release))
    asked = served.of(instance, release)
    report = []
    for number, question in enumerate(questions, start=1):
        if say:
            say("asking: {} of {}, {}".format(number, len(questions), question["name"]))
        report.append(ask(asked, question))
    return report


def ask(asked: served.Server, question: Any) -> Dict[str, Any]:
    """Ask one question."""
    began = time.monotonic()
    found: Dict[str, Any] = {"got": "", "first_token_s": None, "passed": False, "why": ""}
    try:
        if question["kind"] == "error":
            _ask_malformed(asked, question, found)
        else:
            _ask_known(asked, question, found, began)
    except served.NO_ANSWER as error:
        why = str(error) or type(error).__name__
        if isinstance(error, OSError) and "timed out" in why:
            why = "no answer within {} s".format(question["within_s"])
        found["why"] = why
    return dict(
        found,
        check=question["name"],
        kind=question["kind"],
        question=question["prompt"],
        expected=question["expect"],
        latency_s=round(time.monotonic() - began, 3),
    )


def wrong(report: Report) -> List[str]:
    """Return a line for each answer that was not right."""
    return ["{check} ({kind}): {why}".format(**answer) for answer in report if not answer["passed"]]


def _ask_known(asked: served.Server, question: Any, found: Dict[str, Any], began: float) -> None:
    content: List[Dict[str, Any]] = [{"type": "text", "text": question["prompt"]}]
    if question["media"]:
        kind = question["kind"] + "_url"
        content.insert(0, {"type": kind, kind: {"url": question["media"]}})
    within_s, tokens = question["within_s"], question["max_tokens"]
    if question["kind"] == "stream":
        status, got, first_at = asked.stream(content, tokens, within_s)
        if first_at:
            found["first_token_s"] = round(first_at - began, 3)
    elif question.get("by") == "generate":
        status, got = asked.generate(content, tokens, within_s)
    else:
        status, got = asked.complete(content, tokens, within_s)
    found["got"] = got
    if status != 200:
        found["why"] = "answered {}: {}".format(status, got)
    elif not _holds(question, got):
        found["why"] = "answered {!r}, expected {!r}".format(got.strip(), question["expect"])
    elif time.monotonic() - began > within_s:
        found["why"] = "answered right, but after more than {} s".format(within_s)
    else:
        found["passed"] = True


def _ask_malformed(asked: served.Server, question: Any, found: Dict[str, Any]) -> None:
    """A request without messages must be refused, and the next good one answered."""
    body = {"model": asked.model, "messages": question["prompt"], "max_tokens": -1}
    response = asked.request("POST", "/v1/chat/completions", body, question["within_s"])
    response.read()
    found["got"] = str(response.status)
    if not 400 <= response.status < 500:
        found["why"] = "a malformed request was answered {}, not 4xx".format(response.status)
        return
    status, text = asked.complete("Are you there?", 1, question["within_s"])
    if status != 200:
        found["why"] = "after a malformed request a good one got {}: {}".format(status, text)
    else:
        found["passed"] = True


def _holds(question: Any, got: str) -> bool:
    if question["match"] == "exact":
        return got.strip() == str(question["expect"]).strip()
    return str(question["expect"]).casefold() in got.casefold()


def main() -> None:
    """See the top of the file."""
    instance = sys.argv[1]
    current = durable.read_link(places.instance(instance) + "/current")
    if current is None:
        print("{} has no release".format(instance), file=sys.stderr)
        sys.exit(2)
    if ranks.waiting(instance):
        print("it does not serve" + ranks.waiting(instance), file=sys.stderr)
        sys.exit(2)
    report = ask_all(instance, os.path.basename(current))
    print(json.dumps(report))
    sys.exit(1 if wrong(report) else 0)


if __name__ == "__main__":
    main()
