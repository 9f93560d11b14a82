"""vLLM's stand-in that runs, for its own tests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.standins.openai import served
from tests.standins.openai.served import (
    CONFIG,
    KEY,
    MP4,
    PNG,
    Answer,
    checkpoint,
    shown,
    table,
)  # fmt: skip
from tests.standins.ports import free_port
from tests.standins.vllm import build

__all__ = [
    "CONFIG", "KEY", "MP4", "PNG", "Answer", "Served", "checkpoint", "install", "shown", "table",
]  # fmt: skip


def install(folder: Path, questions: Path) -> Path:
    """The interpreter of a new environment in which uv has put the stand-in, from its lock."""
    return served.install(folder, build.build(folder / "wheels", questions))


class Served(served.Served):
    """One server, from its start to its end."""

    def __init__(
        self,
        python: Path,
        *,
        model: Path,
        log: Path,
        words: Sequence[str] = (),
        standin: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        port = port or free_port()
        command = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
        command += ["--host", "127.0.0.1", "--port", str(port), *words]
        if standin is not None:
            command += ["--hf-overrides", json.dumps({"standin": standin})]
        surroundings = {
            "VLLM_API_KEY": KEY,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_CACHE_ROOT": str(log.parent / "cache"),
        }
        super().__init__(
            [python, *command],
            port=port,
            log=log,
            environment=surroundings | dict(environment or {}),
        )
