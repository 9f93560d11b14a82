"""``ollama serve``, and the process that it starts for each model."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from . import settings
from .errors import StartError
from .loaded import Loaded
from .pages import VERSION, Server
from .store import Store


def main(words: list[str]) -> int:
    """Do what the words say, and say how it ended."""
    if words[:1] == ["runner"]:
        signal.pause()
    if words != ["serve"]:
        print(f"Error: unknown command {' '.join(words)!r} for the stand-in of ollama")
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        _serve(stopping)
    except (StartError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(stopping: threading.Event) -> None:
    wanted = settings.Settings(os.environ)
    settings.libraries(Path(__file__).parents[1])
    settings.keypair()
    store = Store(wanted.models)
    if wanted.prunes:
        store.prune()
    loaded = Loaded(store)
    server = Server(wanted, store.models, loaded)
    print(
        f"Listening on {wanted.host}:{wanted.port} (version {VERSION}, stand-in)", file=sys.stderr
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    while not stopping.wait(0.1):
        loaded.expire()
    server.shutdown()
    loaded.unload()
