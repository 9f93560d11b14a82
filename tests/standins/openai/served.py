"""A stand-in that runs, for the tests of the stand-ins themselves."""

import base64
import http.client
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

KEY = "sesame-0123"
Answer = tuple[int, Any]


PNG = b"\x89PNG\r\n\x1a\nred circle"
MP4 = b"\x00\x00\x00\x18ftypisom moves left"
QUESTIONS = [
    {"name": "sky", "prompt": "What colour is the sky?", "expect": "blue"},
    {"name": "hello", "prompt": "Hello", "expect": "Hello! I am the canary."},
    {"name": "red", "prompt": "What?", "file": "red.png", "expect": "red"},
    {"name": "left", "prompt": "What?", "file": "left.mp4", "expect": "left"},
]
CONFIG = {
    "architectures": ["Qwen3VLForConditionalGeneration"],
    "text_config": {"max_position_embeddings": 4096, "num_attention_heads": 4},
}


def table(folder: Path) -> Path:
    """A few questions, with an image and a video."""
    questions = folder / "questions.json"
    questions.write_text(json.dumps(QUESTIONS))
    media = folder / "questions"
    media.mkdir()
    (media / "red.png").write_bytes(PNG)
    (media / "left.mp4").write_bytes(MP4)
    return questions


def install(folder: Path, lock: Path) -> Path:
    """The interpreter of a new environment in which uv has put a stand-in, from its lock."""
    uv = str(Path(sys.executable).with_name("uv"))
    python = folder / "venv" / "bin" / "python"
    here = ["--quiet", "--offline", "--python"]
    pinned = ["--require-hashes", "--no-index", "--find-links", str(lock.parent), str(lock)]
    environment = {"PATH": os.defpath, "UV_CACHE_DIR": str(folder / "uv"), "UV_NO_CONFIG": "1"}
    for command in (
        [uv, "venv", *here, sys.executable, str(folder / "venv")],
        [uv, "pip", "sync", *here, str(python), *pinned],
    ):
        subprocess.run(command, check=True, env=environment)
    return python


def checkpoint(folder: Path) -> Path:
    """A model, whole as far as a look at its files can tell."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    shard = struct.pack("<Q", len(header)) + header + bytes(16)
    (folder / "model.safetensors").write_bytes(shard)
    return folder


def shown(modality: str, content: bytes) -> dict[str, Any]:
    """The part of a message that holds an image or a video."""
    media_type = {"image": "image/png", "video": "video/mp4"}[modality]
    url = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    return {"type": f"{modality}_url", f"{modality}_url": {"url": url}}


class Served:
    """One server, from its start to its end."""

    def __init__(
        self, words: Sequence[str | Path], *, port: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.port = port
        self._log = log
        with log.open("wb") as opened:
            self.process = subprocess.Popen(
                words,
                stdout=opened,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath, **environment},
                # Not a folder that holds packages by the names of those of the stand-in.
                cwd=log.parent,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever the test made of it, no process is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    def ready(self, page: Any = None) -> Self:
        """Wait until it is healthy, which it says with ``page``."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                assert self.ask("/health", key=None) == (200, page)
            except ConnectionError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError(self.log)

    def status(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(60)

    def ask(
        self, path: str, content: object = None, *, key: str | None = KEY, within_s: float = 60
    ) -> Answer:
        """Status and JSON; text where it is not JSON; None where there is nothing."""
        body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within_s)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
            if text and reply.headers.get_content_type() == "application/json":
                return reply.status, json.loads(text)
            return reply.status, text or None
        finally:
            connection.close()

    def chat(self, content: object, **wishes: object) -> Answer:
        """Ask one thing, in text or in parts."""
        messages = [{"role": "user", "content": content}]
        return self.ask("/v1/chat/completions", {"messages": messages, **wishes})

    def said(self, content: object, **wishes: object) -> str:
        """Ask one thing that it answers."""
        status, page = self.chat(content, **wishes)
        assert status == 200, page
        return str(page["choices"][0]["message"]["content"])
