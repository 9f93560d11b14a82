"""
Questions to a running server, and whether it answered right.

``ask.py INSTANCE`` asks what the current release of an instance must answer and prints a report:
a list of ``{"check", "kind", "question", "expected", "got", "latency_s", "first_token_s", "passed",
"why"}``. It ends with 1 when an answer was wrong.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from typing import Any, Dict, List, Tuple

import durable
import media
import places

Report = List[Dict[str, Any]]

# A server may send anything: nothing, half of it, JSON of another shape.
NO_ANSWER = (
    OSError,
    http.client.HTTPException,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class Server:
    """
    One server with the OpenAI API. ``key`` is empty when it is open.

    :param reader: the user that it runs as, where it has to read what is too long to be sent
    """

    def __init__(
        self, address: str, port: int, model: str, key: str, reader: str | None = None
    ) -> None:
        self.address, self.port, self.model, self.key = address, port, model, key
        self.reader = reader

    def request(self, method: str, path: str, body: Any, within_s: float) -> Any:
        """Send a request and return the response, unread."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=within_s)
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = "Bearer " + self.key
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        if connection.sock:
            # One request a connection: it ends when the response is read or given up.
            connection.sock.close()
        return response

    def complete(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str]:
        """Return the status and the answer, or the body of a refusal."""
        with media.sent(content, self.reader) as sent:
            body = self.body(sent, max_tokens)
            response = self.request("POST", "/v1/chat/completions", body, within_s)
            text = response.read().decode("utf-8", "replace")
        if response.status != 200:
            return response.status, text[:500]
        return 200, json.loads(text)["choices"][0]["message"]["content"] or ""

    def generate(
        self, content: List[Dict[str, Any]], max_tokens: int, within_s: float
    ) -> Tuple[int, str]:
        """Return the same by ``/generate``, as MindIE has it of vLLM; it says the text again."""
        with media.sent(content, self.reader) as sent:
            body = {
                "model": self.model,
                "prompt": [_flat(part) for part in sent],
                "max_tokens": max_tokens,
                "temperature": 0,
                "stream": False,
            }
            response = self.request("POST", "/generate", body, within_s)
            text = response.read().decode("utf-8", "replace")
        if response.status != 200:
            return response.status, text[:500]
        said, asked = json.loads(text)["text"][0], content[-1]["text"] + " "
        return 200, said[len(asked) :] if said.startswith(asked) else said

    def stream(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str, float]:
        """Return the status, the answer put together, and when its first piece came."""
        deadline = time.monotonic() + within_s
        body = dict(self.body(content, max_tokens), stream=True)
        response = self.request("POST", "/v1/chat/completions", body, within_s)
        if response.status != 200:
            return response.status, response.read().decode("utf-8", "replace")[:500], 0.0
        said, first_at, ended = "", 0.0, False
        for raw in response:
            if time.monotonic() > deadline:
                raise TimeoutError("the answer was still being streamed")
            line = raw.decode("utf-8", "replace").strip()
            sent = line[len("data:") :].strip() if line.startswith("data:") else ""
            if sent == "[DONE]":
                ended = True
            if ended or not sent:
                continue
            chunk = json.loads(sent)
            if "error" in chunk:
                raise ValueError("the stream ended in an error: {}".format(sent[:500]))
            choices = chunk.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content")
            if piece:
                first_at = first_at or time.monotonic()
                said += piece
        if not ended:
            raise ValueError("the stream broke off after {!r}".format(said))
        return 200, said, first_at

    def body(self, content: Any, max_tokens: int) -> Dict[str, Any]:
        """Return a request that is answered the same every time."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens,
            "temperature": 0,
        }


def server(instance: str, release: str, plane: str = "") -> Server:
    """
    Return the server of an instance as a release of it is configured.

    :param plane: what it may have an address and a port of their own for: management, metrics
    """
    about = durable.read_json("{}/{}/release.json".format(places.releases(instance), release))
    there = about.get("planes", {}).get(plane, about)
    reader = places.user(instance) if about.get("engine") == "mindie" else None
    secrets = places.instance(instance) + "/secrets"
    with open(secrets + "/api-key") as file:
        key = file.read().strip()
    return Server(there["address"], there["port"], about["model"], key, reader)


def ask_all(instance: str, release: str, say: Any = None) -> Report:
    """Ask every question of a release; ``say`` hears which one is asked."""
    questions = durable.read_json("{}/{}.json".format(places.checks(instance), release))
    if not questions:
        raise FileNotFoundError("no questions are staged for {} {}".format(instance, release))
    asked = server(instance, release)
    report = []
    for number, question in enumerate(questions, start=1):
        if say:
            say("asking: {} of {}, {}".format(number, len(questions), question["name"]))
        report.append(ask(asked, question))
    return report


def ask(asked: Server, question: Any) -> Dict[str, Any]:
    """Ask one question."""
    began = time.monotonic()
    found: Dict[str, Any] = {"got": "", "first_token_s": None, "passed": False, "why": ""}
    try:
        if question["kind"] == "error":
            _ask_malformed(asked, question, found)
        else:
            _ask_known(asked, question, found, began)
    except NO_ANSWER as error:
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


def _ask_known(asked: Server, question: Any, found: Dict[str, Any], began: float) -> None:
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


def _ask_malformed(asked: Server, question: Any, found: Dict[str, Any]) -> None:
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


def _flat(part: Dict[str, Any]) -> Dict[str, Any]:
    """Return a part of a question in the spelling of MindIE's own examples."""
    kind = part["type"]
    return part if kind == "text" else {"type": kind, kind: part[kind]["url"]}


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
    report = ask_all(instance, os.path.basename(current))
    print(json.dumps(report))
    sys.exit(1 if wrong(report) else 0)


if __name__ == "__main__":
    main()
