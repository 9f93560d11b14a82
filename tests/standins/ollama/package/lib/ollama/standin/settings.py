"""What the server is told by its environment; stricter than Ollama, which ignores what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from .errors import StartError

_NUMBERS = (
    *("OLLAMA_CONTEXT_LENGTH", "OLLAMA_NUM_PARALLEL", "OLLAMA_MAX_LOADED_MODELS"),
    "OLLAMA_MAX_QUEUE",
)
_SWITCHES = (
    *("OLLAMA_FLASH_ATTENTION", "OLLAMA_SCHED_SPREAD", "OLLAMA_NO_CLOUD", "OLLAMA_NOPRUNE"),
    "OLLAMA_DEBUG",
)
_DURATIONS = ("OLLAMA_KEEP_ALIVE", "OLLAMA_LOAD_TIMEOUT")
_OTHERS = ("OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_KV_CACHE_TYPE")


class Settings:
    """Address, store, and how long a model stays loaded."""

    def __init__(self, given: Mapping[str, str]) -> None:
        _refuse_wrong(given)
        self.host, self.port = _address(given.get("OLLAMA_HOST", "127.0.0.1:11434"))
        self.models = Path(given.get("OLLAMA_MODELS") or Path.home() / ".ollama/models")
        self.prunes = given.get("OLLAMA_NOPRUNE") != "1"
        self.keep_alive_s = seconds(given.get("OLLAMA_KEEP_ALIVE", "5m"))


def seconds(given: object) -> float:
    """Return a duration, of which a negative one is for ever."""
    match = re.fullmatch(r"(-?\d+)(ms|s|m|h)?", str(given))
    if match is None:
        raise StartError(f"invalid duration {given!r}")
    count = int(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, None: 1}[match[2]]
    return float("inf") if count < 0 else float(count)


def _address(given: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9a-f:]+\]|[0-9.]+):(\d+)", given)
    if match is None:
        raise StartError(f"OLLAMA_HOST {given!r} is not ADDRESS:PORT without a scheme")
    return match[1].strip("[]"), int(match[2])


def _refuse_wrong(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        known = (*_NUMBERS, *_SWITCHES, *_DURATIONS, *_OTHERS)
        if name.startswith("OLLAMA_") and name not in known:
            raise StartError(f"{name} is no variable of Ollama")
        if name in _NUMBERS and not re.fullmatch(r"[1-9]\d*", value):
            raise StartError(f"invalid environment variable {name}={value!r}")
        if name in _SWITCHES and value not in ("0", "1"):
            raise StartError(f"invalid environment variable {name}={value!r}")
        if name in _DURATIONS:
            seconds(value)
    cache = given.get("OLLAMA_KV_CACHE_TYPE", "f16")
    if cache not in ("f16", "q8_0", "q4_0"):
        raise StartError(f"invalid environment variable OLLAMA_KV_CACHE_TYPE={cache!r}")
    if cache != "f16" and given.get("OLLAMA_FLASH_ATTENTION") != "1":
        raise StartError(f"quantized kv cache {cache} requested but flash attention disabled")


def keypair() -> None:
    """Leave the key that Ollama makes at its first start."""
    path = Path.home() / ".ollama" / "id_ed25519"
    try:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        if not path.exists():
            path.write_text("no key\n")
    except OSError as error:
        raise StartError(f"could not create directory {error}") from None


def libraries(folder: Path) -> None:
    """Refuse to be without what computes."""
    if not (folder / "libggml-base.so").is_file():
        raise StartError(f"unable to load ggml from {folder}")
    if os.environ.get("CUDA_VISIBLE_DEVICES") is None:
        raise StartError("CUDA_VISIBLE_DEVICES is not set: it would take every GPU of the host")
