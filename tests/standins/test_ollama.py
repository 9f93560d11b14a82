"""The stand-in of Ollama answers from its model's file, and refuses what Ollama refuses."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.ollama import build, store
from tests.standins.ports import free_port

ANSWERS = {"What is 2 + 2?": "It is 4."}
MODEL = "qwen3:8b"


class Served:
    """A folder with program, store and home, and the server that is started there."""

    def __init__(self, folder: Path) -> None:
        packed = build.build(folder / "packed")
        with tarfile.open(packed.path) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder / "stack")  # noqa: S202 packed by us
        self.folder, self.store = folder, folder / "store"
        store.add(self.store, MODEL, ANSWERS)
        (folder / "home").mkdir()
        self.port = free_port()

    def start(self, **changed: str | None) -> "subprocess.Popen[str]":
        """Start it with these variables; ``None`` leaves one out."""
        variables = {
            "HOME": str(self.folder / "home"),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(self.store),
            "OLLAMA_NOPRUNE": "1",
            "CUDA_VISIBLE_DEVICES": "-1",
            **changed,
        }
        return subprocess.Popen(
            [sys.executable, str(self.folder / "stack/bin/ollama"), "serve"],
            env={name: value for name, value in variables.items() if value is not None},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refused(self, **changed: str | None) -> str:
        """Start it, and return what it dies of."""
        with self.start(**changed) as process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1, said
        return said.strip()

    def ask(self, path: str, content: object = None) -> tuple[int, Any]:
        """Return the status, and JSON where it is."""
        body = None if content is None else json.dumps(content).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        try:
            with urllib.request.urlopen(asked, timeout=60) as reply:
                status, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        return status, json.loads(text) if text.startswith(("{", "[")) else text

    def chat(self, **wishes: object) -> tuple[int, Any]:
        """Ask what it knows."""
        messages = [{"role": "user", "content": "What is 2 + 2?"}]
        body = {"model": MODEL, "messages": messages} | wishes
        return self.ask("/v1/chat/completions", body)


@pytest.fixture
def there(tmp_path: Path) -> Served:
    return Served(tmp_path)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that serves."""
    served = Served(tmp_path_factory.mktemp("good"))
    with served.start() as process:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                served.ask("/")
                break
            except urllib.error.URLError:
                time.sleep(0.02)
        yield served
        process.terminate()
        process.communicate(timeout=60)


def test_pages(good: Served) -> None:
    assert good.ask("/") == (200, "Ollama is running")
    assert good.ask("/api/version") == (200, {"version": "0.33.0"})
    assert good.ask("/api/tags")[1]["models"] == [{"name": MODEL, "model": MODEL}]
    assert [one["id"] for one in good.ask("/v1/models")[1]["data"]] == [MODEL]
    for page in ("/health", "/metrics"):
        assert good.ask(page) == (404, "404 page not found")


def test_answers(good: Served) -> None:
    status, page = good.chat()
    assert (status, page["choices"][0]["message"]["content"]) == (200, "It is 4.")
    status, page = good.chat(max_tokens=2)
    assert page["choices"][0] | {"message": 0} == page["choices"][0] | {
        "message": 0, "finish_reason": "length",
    }  # fmt: skip
    _, stream = good.chat(stream=True)
    assert stream.endswith("data: [DONE]\n\n")
    own = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": "Hello"}]}
    assert good.ask("/api/chat", own)[1]["message"]["content"] == "I do not know."


def test_refuses_requests(good: Served) -> None:
    said = {"message": 'model "qwen3:9b" not found, try pulling it first', "type": "api_error"}
    assert good.chat(model="qwen3:9b") == (404, {"error": said | {"param": None, "code": None}})
    assert good.chat(messages="What?", max_tokens=-1)[0] == 400
    assert good.ask("/api/generate", {"model": "x", "keep_alive": 0})[0] == 404
    assert good.ask("/v1/rerank", {})[0] == 404


def test_model_is_loaded_until_it_is_told_otherwise(good: Served) -> None:
    good.chat()
    assert [one["name"] for one in good.ask("/api/ps")[1]["models"]] == [MODEL]
    assert good.ask("/api/generate", {"model": MODEL, "keep_alive": 0})[0] == 200
    assert good.ask("/api/ps")[1]["models"] == []
    good.ask("/api/generate", {"model": MODEL, "prompt": "Hello", "keep_alive": "100ms"})
    time.sleep(0.4)
    assert good.ask("/api/ps")[1]["models"] == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"OLLAMA_HOST": "http://127.0.0.1:8000"},
            "Error: OLLAMA_HOST 'http://127.0.0.1:8000' is not ADDRESS:PORT without a scheme",
        ),
        ({"OLLAMA_CONTEXT": "4096"}, "Error: OLLAMA_CONTEXT is no variable of Ollama"),
        (
            {"OLLAMA_NUM_PARALLEL": "two"},
            "Error: invalid environment variable OLLAMA_NUM_PARALLEL='two'",
        ),
        (
            {"OLLAMA_SCHED_SPREAD": "true"},
            "Error: invalid environment variable OLLAMA_SCHED_SPREAD='true'",
        ),
        ({"OLLAMA_KEEP_ALIVE": "for ever"}, "Error: invalid duration 'for ever'"),
        (
            {"OLLAMA_KV_CACHE_TYPE": "q8_0"},
            "Error: quantized kv cache q8_0 requested but flash attention disabled",
        ),
        (
            {"OLLAMA_KV_CACHE_TYPE": "q5_0"},
            "Error: invalid environment variable OLLAMA_KV_CACHE_TYPE='q5_0'",
        ),
        (
            {"CUDA_VISIBLE_DEVICES": None},
            "Error: CUDA_VISIBLE_DEVICES is not set: it would take every GPU of the host",
        ),
    ],
)
def test_refuses_variables(there: Served, changed: dict[str, str | None], said: str) -> None:
    assert there.refused(**changed) == said


def test_refuses_a_home_that_it_cannot_write(there: Served) -> None:
    shutil.rmtree(there.folder / "home")
    assert there.refused().startswith("Error: could not create directory ")


def test_refuses_to_be_without_libraries(there: Served) -> None:
    (there.folder / "stack/lib/ollama/libggml-base.so").unlink()
    assert there.refused().startswith("Error: unable to load ggml from ")


def test_prunes_unless_told_otherwise(there: Served) -> None:
    """As Ollama does at its start: what no manifest names is deleted."""
    stray = there.store / "blobs/sha256-0"
    stray.mkdir()  # what cannot be deleted so
    said = there.refused(OLLAMA_NOPRUNE=None)
    assert said.startswith(f"Error: remove {stray}: ")
    assert os.access(stray, os.R_OK)
