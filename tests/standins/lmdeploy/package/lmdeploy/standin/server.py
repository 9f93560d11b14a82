"""LMDeploy's socket, and its numbers, which are as old as ten seconds."""

from __future__ import annotations

import argparse
import threading
import time

from tests.standins.openai.server.server import Server as Shared

from . import journal
from .handler import Handler

_EVERY_S = 10.0
_GRACE_S = 10.0


class Server(Shared):
    """A server with the options of LMDeploy."""

    engine_name = "lmdeploy"

    def __init__(self, arguments: argparse.Namespace, version: str) -> None:
        port = 23333 if arguments.server_port is None else arguments.server_port
        super().__init__(arguments.server_name, port, Handler)
        self.version = version
        self.key = next((key for key in arguments.api_keys or () if key), "")
        self.names = [arguments.model_name or arguments.model_path]
        self.limits = {}
        self.counts = not arguments.disable_metrics
        self.told = ""

    def say(self, message: str) -> None:
        journal.access(message)

    def open(self) -> None:
        self.count()
        threading.Thread(target=self._count_again, daemon=True).start()
        super().open()

    def count(self) -> None:
        """Take down how many requests there are; until the next time this is what is told."""
        labels = f'engine="0",model_name="{self.names[0]}"'
        self.told = self.engine.desk.metrics(self.engine_name, labels)

    def _count_again(self) -> None:
        while True:
            time.sleep(_EVERY_S)
            self.count()

    def stop(self) -> None:
        """Let go of the port, then of the requests that are being answered, as uvicorn does."""
        self.finish(_GRACE_S, 0.1)
