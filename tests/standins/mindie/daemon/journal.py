"""
What the server says, in the three ways of MindIE: on its output, on its errors, and in its log,
which comes to the output too when ``MINDIE_LOG_TO_STDOUT`` asks for it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path


def say(text: str) -> None:
    """Say it on the output, whatever the environment asks for."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Say it on the errors, whatever the environment asks for."""
    print(text, file=sys.stderr, flush=True)


def log(text: str, *, level: str = "ERROR") -> None:
    """Write a line of the log."""
    now = time.time()
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    zone = time.strftime("%z")
    line = (
        f"[{moment}.{int(now % 1 * 1000):03}{zone[:3]}:{zone[3:]}] [{os.getpid()}] "
        f"[{threading.get_native_id()}] [server] [{level}] [standin.py:1] : {text}"
    )
    if _asked("MINDIE_LOG_TO_STDOUT", "0"):
        say(line)
    if _asked("MINDIE_LOG_TO_FILE", "1"):
        _keep(line)


def failure(text: str) -> None:
    """Write a line of the log that reaches the output in any case."""
    log(text)
    if not _asked("MINDIE_LOG_TO_STDOUT", "0"):
        say(text)


def _asked(name: str, otherwise: str) -> bool:
    return os.environ.get(name, otherwise).lower() in ("1", "true")


def _keep(line: str) -> None:
    root = os.environ.get("MINDIE_LOG_PATH") or Path.home() / "mindie/log"
    file = Path(root) / f"debug/mindie-server_{os.getpid()}.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{line}\n")
    except OSError as error:
        # What the real one does then was seen nowhere; it is assumed to serve.
        warn(f"create log file failed: {error}")
