"""A model's folder as a rank loads it, in the words of ``examples/atb_models/atb_llm``."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.standins.ascend import mindie_reads
from tests.standins.openai.server import checkpoint
from tests.standins.openai.server.errors import StartError

_KINDS = ("Qwen3VLForConditionalGeneration", "Qwen3VLMoeForConditionalGeneration")
_BFLOAT16 = (
    "NotImplementedError: This device does not support bfloat16.Please change the data type"
    "(i.e. `torch_dtype`) to float16 in config.json from model weights."
)
_QUANTIZE = "ValueError: linear type not matched, please check `config.json` `quantize` parameter"


def load(folder: Path, *, version: str, chip: str, rank: int, world: int) -> int:
    """Return how many MiB of a chip a rank's share takes, or the failure that it ends in."""
    for path in (folder, *sorted(folder.resolve().rglob("*"))):
        told = mindie_reads.models(path)
        if told:
            raise StartError(f"PermissionError: {told}")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _known(config, version, chip)
    shards = _shards(folder, config, rank, world)
    if not shards:
        raise StartError(
            f"FileNotFoundError: No local weights found in {folder} with extension .safetensors"
        )
    for shard in shards:
        _whole(shard)
        if not config.get("quantize") and "I8" in _dtypes(shard):
            raise StartError(_QUANTIZE)
    heads = (config.get("text_config") or {}).get("num_attention_heads", world)
    if heads % world:
        raise StartError(
            "ValueError: `num_heads` must be divisible by `num_shards` "
            f"(got `num_heads`: {heads} and `num_shards`: {world})"
        )
    for name in ("tokenizer.json", "preprocessor_config.json"):
        if not (folder / name).is_file() and (folder / "tokenizer_config.json").exists():
            raise StartError(
                "Failed to get vocab size from tokenizer wrapper with exception: "
                f"{folder / name} is not there"
            )
    return sum(shard.stat().st_size for shard in shards) // 2**20 // world


def _known(config: Mapping[str, Any], version: str, chip: str) -> None:
    """Whether this version has the model, and the chip its numbers."""
    kind = (config.get("architectures") or [None])[0]
    name = config.get("model_type")
    # Qwen3-VL came with 3.0. How an older one names what it lacks is after its ``models``.
    if kind not in _KINDS or int(version.split(".")[0]) < 3:
        raise StartError(f"NotImplementedError: unsupported model type: {name}")
    text = config.get("text_config") or {}
    dtype = text.get("dtype") or text.get("torch_dtype")
    dtype = dtype or config.get("torch_dtype") or config.get("dtype")
    if dtype not in ("float16", "bfloat16"):
        raise StartError(f"ValueError: dtype only supports float16 and bfloat16, but got {dtype}")
    if dtype == "bfloat16" and chip.startswith("310P"):
        raise StartError(_BFLOAT16)


def _shards(folder: Path, config: Mapping[str, Any], rank: int, world: int) -> list[Path]:
    """Compressed weights are a part for each rank, and for so many ranks alone."""
    if config.get("quantize") == "w8a8sc":
        folder = folder / f"part{rank}-of-{world}"
        if not folder.is_dir():
            raise StartError(f"FileNotFoundError: [Errno 2] No such file or directory: '{folder}'")
    elif not config.get("quantize") and list(folder.glob("quant_model_description*.json")):
        raise StartError(_QUANTIZE)
    return sorted(folder.glob("*.safetensors"))


def _whole(shard: Path) -> None:
    try:
        checkpoint.whole(shard)
    except StartError as failure:
        # Its second line is vLLM's.
        raise StartError(str(failure).splitlines()[0]) from None


def _dtypes(shard: Path) -> set[str]:
    with shard.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    return {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
