"""What the server writes to its log, in the shape of vLLM's and uvicorn's lines."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO


def _write(text: str, stream: TextIO) -> None:
    prefix = f"(APIServer pid={os.getpid()}) "
    stream.write("".join(f"{prefix}{line}\n" for line in text.splitlines()))
    stream.flush()


def engine(message: str, *, level: str = "INFO") -> None:
    """A line of vLLM's own logger."""
    now = time.strftime("%m-%d %H:%M:%S")
    _write(f"{level} {now} [api_server.py:1] {message}", sys.stdout)


def web(message: str) -> None:
    """A line of the web server's logger."""
    _write(f"INFO:     {message}", sys.stderr)


def access(message: str) -> None:
    """A line of the web server's access log."""
    _write(f"INFO:     {message}", sys.stdout)


def crash() -> None:
    """The engine's end, and the server's with it."""
    engine("EngineCore encountered a fatal error.", level="ERROR")
    traceback("vllm.v1.engine.exceptions.EngineDeadError: EngineCore died.")
    os._exit(1)


def traceback(message: str) -> None:
    """The end of a server that could not start."""
    where = '  File "vllm/entrypoints/openai/api_server.py", line 1, in <module>'
    _write(f"Traceback (most recent call last):\n{where}\n{message}", sys.stderr)
