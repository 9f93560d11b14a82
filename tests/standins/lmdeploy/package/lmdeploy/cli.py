"""``lmdeploy serve api_server``: check everything, wait a little, serve."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path

from tests.standins.openai.server import checkpoint, mischief
from tests.standins.openai.server.desk import Desk
from tests.standins.openai.server.engine import Engine
from tests.standins.openai.server.errors import StartError
from tests.standins.openai.server.truth import Truth

from .standin import arguments, journal
from .standin.server import Server


def run() -> int:
    """Read the command line, serve, and say how it ended."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    wanted = arguments.parse(sys.argv[1:], version("lmdeploy"))
    try:
        _serve(wanted, stopping)
    except StartError as failure:
        journal.traceback(str(failure))
        return 1
    return 0


def _serve(wanted: argparse.Namespace, stopping: threading.Event) -> None:
    """Serve until told to stop. The port is bound when all else is ready."""
    _executor(wanted)
    overrides = wanted.hf_overrides or {}
    asked = mischief.asked(overrides)
    found = checkpoint.read(wanted.model_path, overrides=overrides, length=None, parallel=wanted.tp)
    _cache()
    if stopping.wait(asked.start_s):
        return
    if asked.die_at_start is not None:
        raise StartError(asked.die_at_start)

    server = Server(wanted, version("lmdeploy"))
    server.checkpoint = checkpoint.Checkpoint(found.folder, wanted.session_len or found.longest)
    desk = Desk(wanted.max_batch_size or 256)
    server.engine = Engine(mischief=asked, desk=desk, truth=Truth("lmdeploy.standin"))
    for _ in range(3):
        journal.say(f"HINT:    Please open {server.url} in a browser for detailed api usage!!!")
    server.open()
    journal.web("Application startup complete.")
    if asked.crash_after_s is not None:
        timer = threading.Timer(asked.crash_after_s, os._exit, (1,))
        timer.daemon = True
        timer.start()
    stopping.wait()
    server.stop()


def _executor(wanted: argparse.Namespace) -> None:
    if wanted.backend != "pytorch":
        raise StartError("RuntimeError: this stand-in has the PyTorch engine alone")
    chosen = wanted.distributed_executor_backend or os.environ.get("LMDEPLOY_EXECUTOR_BACKEND")
    chosen = chosen or ("uni" if wanted.tp == 1 else "ray")
    if chosen == "uni" and wanted.tp != 1:
        raise StartError("AssertionError: uni executor only support world_size==1.")
    if chosen == "mp":
        journal.say(
            "lmdeploy - WARNING - MPExecutor will be deprecated in future releases, "
            "please use RayExecutor instead."
        )


def _cache() -> None:
    """Leave what Triton leaves in its cache."""
    root = Path(os.environ.get("TRITON_CACHE_DIR") or Path.home() / ".triton" / "cache")
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / "standin.json").write_text("{}\n", encoding="utf-8")
    except OSError as error:
        raise StartError(f"{type(error).__name__}: {error}") from None
