"""Ask a running server every question of the canary and compare the answers, stdlib only."""

import argparse
import base64
import http.client
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
TYPES: Final = {".png": "image/png", ".mp4": "video/mp4"}


def body(question: dict[str, Any], *, model: str, stream: bool) -> bytes:
    content: list[dict[str, Any]] = [{"type": "text", "text": question["prompt"]}]
    if "file" in question:
        path = HERE / "questions" / question["file"]
        data = base64.b64encode(path.read_bytes()).decode()
        part = f"{question['kind']}_url"
        url = f"data:{TYPES[path.suffix]};base64,{data}"
        content.insert(0, {"type": part, part: {"url": url}})
    request = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": 32,
        "stream": stream,
    }
    return json.dumps(request).encode()


def _pieces(reply: http.client.HTTPResponse) -> Iterator[str]:
    for line in reply:
        _, found, event = line.decode().strip().partition("data: ")
        if found and event != "[DONE]":
            for choice in json.loads(event)["choices"]:
                yield choice["delta"].get("content") or ""


def ask(*, url: str, key: str, content: bytes, stream: bool, within_s: float) -> str:
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(  # noqa: S310 -- the operator names the server
        f"{url}/v1/chat/completions", data=content, headers=headers
    )
    with urllib.request.urlopen(request, timeout=within_s) as reply:  # noqa: S310
        if stream:
            return "".join(_pieces(reply))
        return str(json.load(reply)["choices"][0]["message"]["content"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="canary")
    parser.add_argument("--within-s", type=float, default=60)
    options = parser.parse_args()
    key = os.environ.get("VLLM_API_KEY", "")
    wrong = 0
    for question in json.loads((HERE / "questions.json").read_text()):
        for stream in (False, True):
            content = body(question, model=options.model, stream=stream)
            started = time.monotonic()
            said = ask(
                url=options.url, key=key, content=content, stream=stream,
                within_s=options.within_s,
            )  # fmt: skip
            seconds = time.monotonic() - started
            right = said == question["expect"]
            wrong += not right
            how = "stream" if stream else "whole"
            mark = "ok   " if right else "WRONG"
            print(f"{mark} {question['name']:24} {how:6} {seconds:6.3f} s  {said!r}")
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
