"""vLLM's socket, and how long it outlives the order to stop."""

from __future__ import annotations

import argparse
import os

from tests.standins.openai.server.server import Server as Shared

from . import journal
from .group import Head
from .handler import Handler

_GRACE_S = 0.7


class Server(Shared):
    """A server with the options of vLLM."""

    engine_name = "vllm"

    def __init__(self, arguments: argparse.Namespace, *, reuseport: bool) -> None:
        super().__init__(arguments.host or "", arguments.port, Handler, reuseport=reuseport)
        self.key = os.environ.get("VLLM_API_KEY", "")
        self.names = arguments.served_model_name or [arguments.model]
        self.limits = arguments.limit_mm_per_prompt
        self.logs_requests: bool = arguments.enable_log_requests
        self.group: Head | None = None
        self._wait_s: int | None = arguments.shutdown_timeout

    def say(self, message: str) -> None:
        journal.access(message)

    def stop(self) -> None:
        """
        Let go of the port, then of the requests that are being answered.

        With ``--shutdown-timeout`` they have so many seconds, 0 meaning none, as in vLLM; without
        it they have 0.7 seconds, where vLLM has 0.
        """
        mode = "abort" if self._wait_s == 0 else "drain"
        journal.engine(f"[shutdown] API server: stopping engine client mode={mode}")
        self.finish(_GRACE_S if self._wait_s is None else self._wait_s, _GRACE_S / 7)
