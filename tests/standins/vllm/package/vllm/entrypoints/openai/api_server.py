"""``python -m vllm.entrypoints.openai.api_server``: check everything, wait a little, serve."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.standins.openai.server import checkpoint, mischief
from tests.standins.openai.server.desk import Desk
from tests.standins.openai.server.engine import Engine
from tests.standins.openai.server.errors import StartError
from tests.standins.openai.server.truth import Truth

from ... import __version__
from ...standin import arguments, group, journal, plugin
from ...standin.server import Server


def _key_value_cache() -> int:
    """Gibibytes of the key-value cache; the real one guesses, a host that is told knows."""
    text = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "")
    try:
        size = int(text)
    except ValueError:
        size = 0
    if size < 1:
        raise StartError(f"ValueError: VLLM_CPU_KVCACHE_SPACE={text!r} is not a number of GiB")
    return size


def _cache_root() -> None:
    """Leave the file that vLLM leaves in its cache."""
    root = Path(os.environ.get("VLLM_CACHE_ROOT") or Path.home() / ".cache" / "vllm")
    found = root / "modelinfos" / "vllm-model_executor-models-qwen3_vl.json"
    try:
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(f'{{"version": "{__version__}"}}\n', encoding="utf-8")
    except OSError as error:
        raise StartError(f"{type(error).__name__}: {error}") from None


def serve(wanted: argparse.Namespace, stopping: threading.Event, platform: Any = None) -> None:
    """
    Serve until told to stop.

    :param platform: a plugin's, whose devices have a cache of their own
    """
    journal.engine(f"vLLM API server version {__version__} (stand-in)")
    journal.engine(f"non-default args: {wanted.wishes}")
    group.refuse(wanted)
    asked = mischief.asked(wanted.hf_overrides)
    if wanted.headless:
        group.compute(wanted, stopping)
        return
    server = Server(wanted, reuseport=asked.reuseport)
    server.checkpoint = checkpoint.read(
        wanted.model,
        overrides=wanted.hf_overrides,
        length=wanted.max_model_len,
        parallel=wanted.tensor_parallel_size,
    )
    if platform:
        platform.check_and_update_config(wanted)
    size = 1 if platform else _key_value_cache()
    _cache_root()
    if stopping.wait(asked.start_s):
        return
    if asked.die_at_start is not None:
        raise StartError(asked.die_at_start)
    if wanted.nnodes > 1:
        server.group = group.Head(wanted)
        server.group.gather(stopping)

    journal.engine(f"GPU KV cache size: {size * 8192:,} tokens")
    server.engine = Engine(
        mischief=asked, desk=Desk(wanted.max_num_seqs), truth=Truth("vllm.standin")
    )
    journal.engine(f"Starting vLLM server on {server.url}")
    server.open()
    journal.web("Application startup complete.")
    if asked.crash_after_s is not None:
        timer = threading.Timer(asked.crash_after_s, journal.crash)
        timer.daemon = True
        timer.start()
    stopping.wait()
    server.stop()


def start(words: Sequence[str], *, served: bool = False) -> int:
    """Read the command line, serve, and say how it ended."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    platform = plugin.platform()
    wanted = arguments.parse(words, platform, served=served)
    try:
        serve(wanted, stopping, platform)
    except StartError as failure:
        journal.traceback(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
