"""A vendor's tool at work: watched, bounded, and its last words kept for whoever asks why."""

from __future__ import annotations

import collections
import os
import resource
import signal
import subprocess
import threading
import time
from typing import Any, Callable, Deque, Dict, List, Tuple

_LOOK_EVERY_S = 0.5
_KEPT = 200


def run(
    words: List[str],
    *,
    folder: str,
    variables: Dict[str, str],
    within_s: float,
    tell: Callable[[], None],
) -> Tuple[int | None, List[str]]:
    """
    Run a tool in a folder; return its exit code, ``None`` after too long, and its last lines.

    :param tell: called twice a second, for a progress line
    """
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_many_files,
    )
    lines: Deque[str] = collections.deque(maxlen=_KEPT)
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    code = _wait(process, within_s, tell)
    # What it started may hold its output open.
    reader.join(timeout=5)
    return code, list(lines)


def _wait(process: Any, within_s: float, tell: Callable[[], None]) -> int | None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            code: int = process.wait(timeout=_LOOK_EVERY_S)
            return code
        except subprocess.TimeoutExpired:
            tell()
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def _read(stream: Any, lines: Deque[str]) -> None:
    with stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            print(text, flush=True)
            lines.append(text)


def _many_files() -> None:
    """Let it open as many files as it may: the compressor's processes want more than 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
