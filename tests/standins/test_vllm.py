"""The stand-in of vLLM answers from its table, and refuses the requests that vLLM refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.vllm import build
from tests.standins.vllm.served import (
    KEY,
    MP4,
    PNG,
    Answer,
    Served,
    checkpoint,
    install,
    shown,
    table,
)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("canary"))


@pytest.fixture(scope="module")
def good(questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that does nothing wrong, and may be asked anything."""
    folder = tmp_path_factory.mktemp("good")
    words = ["--served_model_name", "canary", "--max-model-len", "1k"]
    words += ["--limit-mm-per-prompt", '{"image": 1, "video": 1}', "--enforce-eager"]
    model, log = checkpoint(folder / "model"), folder / "log"
    python = install(folder, questions)
    with Served(python, model=model, log=log, words=words) as served:
        yield served.ready()


def test_the_wheel_is_the_same_every_time(tmp_path: Path, questions: Path) -> None:
    locks = [build.build(tmp_path / name, questions) for name in "ab"]
    assert locks[0].read_bytes() == locks[1].read_bytes()
    other = build.build(tmp_path / "c", questions, version="0.33.0")
    assert other.read_text().startswith("vllm==0.33.0 --hash=sha256:")
    assert (tmp_path / "c" / "vllm-0.33.0-py3-none-any.whl").is_file()


def test_questions_that_contradict_each_other_make_no_wheel(tmp_path: Path) -> None:
    rows = [{"name": name, "prompt": "Hello", "expect": name} for name in ("a", "b")]
    (tmp_path / "questions.json").write_text(json.dumps(rows))
    with pytest.raises(ValueError, match="b: contradicts an earlier answer"):
        build.build(tmp_path, tmp_path / "questions.json")


def test_pages_that_need_no_key(good: Served) -> None:
    assert good.ask("/health", key=None) == (200, None)
    assert good.ask("/version", key=None) == (200, {"version": "0.32.0"})
    status, text = good.ask("/metrics", key=None)
    assert status == 200
    assert 'vllm:num_requests_running{engine="0",model_name="canary"} 0.0\n' in text
    assert 'vllm:num_requests_waiting{engine="0",model_name="canary"} 0.0\n' in text


@pytest.mark.parametrize("key", [None, "another-key"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/nothing"])
def test_pages_that_need_the_key(good: Served, path: str, key: str | None) -> None:
    assert good.ask(path, key=key) == (401, {"error": "Unauthorized"})


def test_models(good: Served) -> None:
    status, page = good.ask("/v1/models")
    assert (status, page["data"][0]["id"], page["data"][0]["max_model_len"]) == (
        200,
        "canary",
        1000,
    )


def test_answers_from_the_table(good: Served) -> None:
    question = {"type": "text", "text": "What?"}
    assert good.said("What colour is the sky?") == "blue"
    assert good.said([shown("image", PNG), question], model="canary") == "red"
    assert good.said([question, shown("video", MP4)]) == "left"
    for unknown in ("What?", [question, shown("image", PNG + b"!")]):
        assert good.said(unknown) == "I do not know."
    status, page = good.ask("/v1/completions", {"prompt": "Hello", "max_tokens": 2})
    assert (status, page["choices"][0]["text"]) == (200, "Hello! I")
    assert page["choices"][0]["finish_reason"] == "length"
    assert page["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_answers_in_a_stream(good: Served) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    status, text = good.chat("Hello", **options)
    *events, done, rest = text.split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    choices = [chunk["choices"][0] for chunk in chunks[:-1]]
    assert (status, done, rest) == (200, "data: [DONE]", "")
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(choice["delta"]["content"] for choice in choices) == "Hello! I am the canary."
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    assert chunks[-1]["usage"]["completion_tokens"] == 5


def _image(url: str) -> list[object]:
    return [{"type": "image_url", "image_url": {"url": url}}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_image("https://example.com/a.png"), "The URL must be either a HTTP, data or file URL."),
        (_image("file:///a.png"), "Cannot load local files without"),
        (_image("data:image/png;base64,!!"), "Failed to load image: "),
        (_image("data:image/png;base64,YWJj"), "cannot identify image file"),
        (_image("data:image/png,abc"), "Only base64 data URLs are supported"),
        ([shown("image", PNG)] * 2, "At most 1 image(s) may be provided in one prompt."),
        ([shown("video", MP4)] * 2, "At most 1 video(s) may be provided in one prompt."),
        ([{"type": "picture"}], "Unknown part type: picture"),
        (None, "content: Input should be a valid string or list"),
    ],
)
def test_contents_it_refuses(good: Served, content: object, message: str) -> None:
    _refused(good.chat(content), 400, message)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("chat/completions", b"{", 400, "JSON decode error"),
        ("chat/completions", {"model": "canary"}, 400, "messages: Field required"),
        ("chat/completions", {"messages": []}, 400, "messages: Field required"),
        ("chat/completions", {"model": "x"}, 404, "The model `x` does not exist. Valid aliases"),
        ("completions", {"prompt": "a", "max_tokens": 0}, 400, "must be at least 1, got 0."),
        ("completions", {"prompt": "a", "max_tokens": 1000}, 400, "is too large: 1000."),
        ("completions", {}, 400, "prompt: Field required"),
        ("nothing", {}, 404, "Not Found"),
        ("models", {}, 405, "Method Not Allowed"),
    ],
)
def test_requests_it_refuses(
    good: Served, path: str, body: object, status: int, message: str
) -> None:
    _refused(good.ask(f"/v1/{path}", body), status, message)
    assert good.ask("/health") == (200, None)


def _refused(answer: Answer, status: int, message: str) -> None:
    error = answer[1]["error"]
    assert (answer[0], error["code"]) == (status, status)
    assert message in error["message"]


def test_log(good: Served) -> None:
    assert f"Starting vLLM server on http://127.0.0.1:{good.port}\n" in good.log
    assert "vLLM API server version 0.32.0 (stand-in)\n" in good.log
    assert "Application startup complete.\n" in good.log
    assert "'served_model_name': ['canary'], " in good.log
    assert KEY not in good.log
