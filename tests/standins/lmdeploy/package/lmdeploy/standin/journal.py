"""What the server writes to its log, in the shape of LMDeploy's and uvicorn's lines."""

from __future__ import annotations

import sys


def say(message: str) -> None:
    """A line of LMDeploy's own."""
    print(message, flush=True)


def web(message: str) -> None:
    """A line of the web server's logger."""
    print(f"INFO:     {message}", file=sys.stderr, flush=True)


def access(message: str) -> None:
    """A line of the web server's access log."""
    print(f"INFO:     {message}", flush=True)


def traceback(message: str) -> None:
    """The end of a server that could not start."""
    where = '  File "lmdeploy/cli/entrypoint.py", line 39, in run'
    print(f"Traceback (most recent call last):\n{where}\n{message}", file=sys.stderr, flush=True)
