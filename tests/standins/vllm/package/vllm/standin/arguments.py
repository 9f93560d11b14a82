"""The command line: a part of vLLM's, and nothing that vLLM would not take."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from typing import Any

from .. import __version__

DTYPES = ("auto", "bfloat16", "float", "float16", "float32", "half")
_MULTIPLES = {
    "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4,
    "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4,
}  # fmt: skip


def _json_object(value: str) -> dict[str, Any]:
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        message = f"Value {value} cannot be converted to {json.loads}."
        raise argparse.ArgumentTypeError(message)
    return parsed


def _limits(value: str) -> dict[str, int]:
    limits = _json_object(value)
    for modality, limit in limits.items():
        known = modality in ("image", "video", "audio")
        if not known or not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            message = f"Value {value} cannot be converted to limits: {modality!r} is wrong."
            raise argparse.ArgumentTypeError(message)
    return limits


def _length(value: str) -> int | None:
    if value in ("auto", "-1"):
        return None
    match = re.fullmatch(r"(\d+)([kKmMgGtT]?)", value)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"invalid human_readable_int_or_auto value: {value!r}")
    multiple = _MULTIPLES[match[2]] if match[2] else 1
    return int(match[1]) * multiple


def _at_least(least: int) -> Any:
    def whole(value: str) -> int:
        number = int(value)
        if number < least:
            message = f"Input should be greater than or equal to {least}, not {number}"
            raise argparse.ArgumentTypeError(message)
        return number

    whole.__name__ = "int"
    return whole


def _port(value: str) -> int:
    number = int(value)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{number} is not a port")
    return number


def _share(value: str) -> float:
    number = float(value)
    if not 0 < number <= 1:
        message = f"Input should be greater than 0 and less than or equal to 1, not {number}"
        raise argparse.ArgumentTypeError(message)
    return number


def _parser(served: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vllm serve" if served else "api_server.py",
        description="vLLM OpenAI-Compatible RESTful API server (stand-in).",
        # The real one takes unambiguous prefixes; a prefix is ambiguous one version later.
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"vllm {__version__} (stand-in)")
    # The command takes the model by its place, and not by this name.
    add("model" if served else "--model", default="Qwen/Qwen3-0.6B")
    add("--served-model-name", nargs="+")
    add("--host")
    add("--port", type=_port, default=8000)
    add("--dtype", choices=DTYPES, default="auto")
    add("--max-model-len", type=_length)
    add("--max-num-seqs", type=_at_least(1), default=256)
    add("--tensor-parallel-size", type=_at_least(1), default=1)
    add("--pipeline-parallel-size", "-pp", type=_at_least(1), default=1)
    add("--nnodes", "-n", type=_at_least(1), default=1)
    add("--node-rank", "-r", type=_at_least(0), default=0)
    add("--master-addr", default="127.0.0.1")
    add("--master-port", type=_port, default=29501)
    add("--headless", action="store_true")
    add("--gpu-memory-utilization", type=_share, default=0.92)
    add("--limit-mm-per-prompt", type=_limits, default={})
    add("--enforce-eager", action="store_true")
    add("--seed", type=int, default=0)
    add("--hf-overrides", type=_json_object, default={})
    # None is not the real default; see ``Server.stop``.
    add("--shutdown-timeout", type=_at_least(0))
    add("--enable-log-requests", action=argparse.BooleanOptionalAction, default=False)
    add("--skip-mm-profiling", action="store_true")
    add("--generation-config", default="auto")
    add("--quantization", "-q", choices=["awq", "compressed-tensors", "fp8", "gptq"])
    add("--load-format", default="auto")
    add("--compilation-config", "-cc", type=_json_object, default={})
    add("--additional-config", type=_json_object, default={})
    return parser


def _dashes(word: str) -> str:
    if not word.startswith("--"):
        return word
    option, equals, value = word.partition("=")
    return option.replace("_", "-") + equals + value


def parse(
    words: Sequence[str], platform: Any = None, *, served: bool = False
) -> argparse.Namespace:
    """
    What was asked for; ``wishes`` holds the options that differ from their defaults.

    An option that vLLM does not know ends the process with status 2, as argparse does.

    :param platform: a plugin's, which may add to what is taken
    :param served: by ``vllm serve``
    """
    parser = _parser(served)
    if platform:
        platform.pre_register_and_update(parser)
    arguments = parser.parse_args([_dashes(word) for word in words])
    arguments.wishes = {
        name: value for name, value in vars(arguments).items() if value != parser.get_default(name)
    }
    return arguments
