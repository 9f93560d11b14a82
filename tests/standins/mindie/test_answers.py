"""MindIE's stand-in answers in each of its spellings, and refuses what MindIE refuses."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.mindie.served import NAME, Served
from tests.standins.openai.served import MP4, PNG, shown

_TEXT = {"type": "text", "text": "What?"}
_BLUE = "What colour is the sky?"


def test_chat(good: Served) -> None:
    status, page = good.chat(_BLUE)
    assert status == 200
    assert page["id"].startswith("endpoint_common_")
    message = {"role": "assistant", "content": "blue", "tool_calls": []}
    assert page["choices"] == [
        {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    ]
    assert page["usage"] == {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    assert good.said("Nothing that it knows") == "I do not know."
    assert good.chat("Hello", max_tokens=2)[1]["choices"][0]["finish_reason"] == "length"


def _events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_chat_in_chunks(good: Served) -> None:
    *chunks, done = _events(good.chat("Hello", stream=True)[1])
    assert done == "[DONE]"
    said = [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    assert said[0] == ""
    assert "".join(said) == "Hello! I am the canary."
    assert [chunk for chunk in chunks if "usage" in chunk] == [chunks[-1]]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_completion(good: Served) -> None:
    asked = {"model": NAME, "prompt": "Hello"}
    assert good.ask("/v1/completions", asked)[1]["choices"][0]["text"] == "Hello! I am the canary."
    *chunks, _ = _events(good.ask("/v1/completions", asked | {"stream": True})[1])
    assert "".join(c["choices"][0]["text"] for c in chunks) == "Hello! I am the canary."


def test_generate_as_vllm_begins_with_the_prompt(good: Served) -> None:
    assert good.ask("/generate", {"prompt": _BLUE}) == (200, {"text": [f"{_BLUE} blue"]})
    asked = {"prompt": [_TEXT, _part("image", PNG)], "max_tokens": 5, "model": NAME}
    assert good.ask("/generate", asked) == (200, {"text": ["What? red"]})
    text = good.ask("/generate", {"prompt": "Hello", "stream": True})[1]
    pieces = [json.loads(one)["text"][0] for one in text.split("\0") if one]
    assert "".join(pieces) == "Hello! I am the canary."


def test_generate_as_tgi(good: Served) -> None:
    assert good.ask("/generate", {"inputs": _BLUE}) == (200, {"generated_text": "blue"})
    asked = {"inputs": [_TEXT, _part("video", MP4)], "parameters": {"max_new_tokens": 9}}
    assert good.ask("/generate", asked) == (200, {"generated_text": "left"})
    asked = {"inputs": "Hello", "parameters": {"details": True, "max_new_tokens": 1}}
    details = good.ask("/generate", asked)[1]["details"]
    assert (details["finish_reason"], details["generated_tokens"]) == ("length", 1)
    *_, last = _events(good.ask("/generate_stream", {"inputs": "Hello"})[1])
    assert last["generated_text"] == "Hello! I am the canary."


def test_infer_and_triton(good: Served) -> None:
    assert good.ask("/infer", {"inputs": _BLUE}) == (200, {"generated_text": "blue"})
    assert good.ask("/", {"inputs": _BLUE}) == (200, {"generated_text": "blue"})
    page = good.ask(f"/v2/models/{NAME}/generate", {"text_input": _BLUE})[1]
    assert (page["text_output"], page["model_name"], page["model_version"]) == ("blue", NAME, None)


def _part(modality: str, content: bytes) -> dict[str, Any]:
    """The spelling of a part that is not OpenAI's."""
    return {
        "type": f"{modality}_url",
        f"{modality}_url": shown(modality, content)[f"{modality}_url"]["url"],
    }


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site that has an image."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/red.png" else 404)
            self.end_headers()
            self.wfile.write(PNG)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


def test_spellings_of_an_image(good: Served, web: str, tmp_path: Path) -> None:
    file = tmp_path / "red.png"
    file.write_bytes(PNG)
    inline = f"data:image/jpeg;base64,{base64.b64encode(PNG).decode()}"
    for url in (str(file), f"file://{file}", inline, f"{web}/red.png"):
        for spelled in (url, {"url": url}):
            part = {"type": "image_url", "image_url": spelled}
            assert good.said([part, _TEXT]) == "red"
    # What a part is called does not matter, what it holds does.
    assert good.said([{"image_url": str(file)}, {"text": "What?"}]) == "red"


def test_images_that_cannot_be_had(good: Served, web: str, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "open.png").write_bytes(PNG)
    (tmp_path / "open.png").chmod(0o666)
    (tmp_path / "large.png").write_bytes(PNG + bytes(20 * 2**20))
    for url, told in (
        (
            f"{tmp_path}/none.png",
            "[Errno 2] No such file or directory: 'none.png'",
        ),
        (f"file://{tmp_path}/text.png", "ValueError: cannot identify image file"),
        (f"{tmp_path}/open.png", "The file open.png should not be writable by others"),
        (f"{tmp_path}/large.png", "ValueError: the image large.png has 20971538 bytes"),
        ("red.png", "ValueError: red.png is neither a URL nor an absolute path"),
        ("data:text/plain;base64,AAAA", "image_url should begin with data:image"),
        ("data:image/png;base64,A", "ValueError: "),
        (f"{web}/none.png", "HTTPError: HTTP Error 404"),
        (7, "TypeError: image_url should be a string"),
    ):
        status, page = good.chat([{"image_url": url}, _TEXT])
        assert (status, page["error_type"]) == (422, "Input Validation Error")
        assert page["error"].startswith("[InferTokenizer::DownloadUrl] Download fail: ")
        assert told in page["error"]


def test_text_that_is_too_long_as_an_image_in_it_is(good: Served) -> None:
    status, page = good.chat([shown("image", PNG + bytes(3200000)), _TEXT])
    assert status == 422
    assert page["error"].startswith("Message len not in (0, 4194304], but the length of inputs is ")
    assert page["error_type"] == "Input Validation Error"
    prompt = [_part("image", PNG + bytes(3200000))]
    told = "Prompt must be necessary and data type must be string and length in (0, 4194304], but "
    assert good.ask("/generate", {"prompt": prompt})[1]["error"].startswith(told)


def test_a_request_that_is_too_large(good: Served) -> None:
    told = "Request body too large. Maximum allowed size is 40MB."
    assert good.ask("/generate", b" " * (40 * 2**20 + 1)) == (413, {"message": told})


def test_requests_that_are_no_questions(good: Served) -> None:
    inner = (
        '{"Error": "`inputs` or `prompt` must be necessary and data type must be string. '
        'Additionally, the request body must be valid json", "error_type": "validation"}'
    )
    for asked in (b"{", {}, {"text_input": "Hello"}):
        page = {"error": inner, "error_type": "Input Validation Error"}
        assert good.ask("/generate", asked) == (422, page)
    # The vendor's example has a comma of another script.
    seed = '{"model": "qwen3vl"\uff0c"messages": []}'.encode()
    told = "Failed to parse request context to json"
    assert good.ask("/v1/chat/completions", seed)[1]["error"] == told


def _parts(*parts: object) -> list[object]:
    return [{"role": "user", "content": [*parts]}]


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"model": None}, "Request contains not model or model null"),
        ({"model": ""}, "Request param model must be not empty"),
        ({"model": 1}, "Request param model must be string"),
        ({"model": "other"}, "Model not found"),
        ({"messages": None}, "Request param contains not messages or messages null"),
        ({"messages": []}, "Request param messages not arr or arr is empty"),
        ({"messages": [{"content": "Hello"}]}, "Request param contains not role or role null"),
        ({"messages": [{"role": "user"}]}, "Request param contains not content or content null"),
        ({"messages": _parts()}, "Inputs arr is empty"),
        ({"messages": [{"role": "user", "content": 1}]}, "The type of inputs is abnormal"),
        (
            {"messages": _parts({"text": 1})},
            "Request param text must be string",
        ),
        (
            {"messages": _parts({"image_url": None})},
            "Request param image_url null",
        ),
        ({"max_tokens": "5"}, "Parameter max_tokens not number_integer"),
        ({"max_tokens": 0}, "Parameter max_tokens must be (0,2147483647], got 0"),
        ({"stream": "yes"}, "stream must be boolean type."),
        ({"temperature": "hot"}, "temperature must be float type."),
        ({"temperature": 3.0}, "Parameter temperature must be in (0.0,2.0], got 3.0."),
    ],
)
def test_requests_it_refuses(good: Served, wishes: dict[str, object], told: str) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    asked = {"model": NAME, "messages": messages, **wishes}
    page = {"error": told, "error_type": "Input Validation Error"}
    assert good.ask("/v1/chat/completions", asked) == (422, page)


def test_what_the_seed_asks(good: Served) -> None:
    """All that the vendor's examples send, which are more words than are looked at."""
    wishes = {"max_tokens": 128, "temperature": 1.0, "top_p": 0.5, "stream": False}
    wishes |= {"repetition_penalty": 1.0, "top_k": 10, "do_sample": False}
    assert good.said([_part("image", PNG), _TEXT], **wishes) == "red"
