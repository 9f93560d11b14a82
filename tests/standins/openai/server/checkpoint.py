"""The model's folder, looked at as closely as loading it would."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

from .errors import StartError

ARCHITECTURE = "Qwen3VLForConditionalGeneration"
_HEADER_LIMIT = 100_000_000


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What of a model the server needs to know."""

    folder: Path
    longest: int | None
    """Tokens that its positions reach; None where config.json does not say."""


def read(model: str, *, overrides: dict[str, Any], length: int | None, parallel: int) -> Checkpoint:
    """The checkpoint in folder ``model``, or the failure that vLLM would end in."""
    folder = Path(model)
    config = _config(folder)
    config.update({key: value for key, value in overrides.items() if key != "standin"})

    architectures = config.get("architectures") or []
    if ARCHITECTURE not in architectures:
        raise StartError(
            "ValueError: 1 validation error for ModelConfig\n  Value error, "
            f"Model architectures {architectures} are not supported for now. "
            f"Supported architectures: dict_keys(['{ARCHITECTURE}'])"
        )

    text = config.get("text_config") or {}
    longest = text.get("max_position_embeddings")
    if length is not None and longest is not None and length > longest:
        raise StartError(
            f"ValueError: User-specified max_model_len ({length}) is greater than the derived "
            f"max_model_len (max_position_embeddings={longest} or model_max_length=None in "
            "model's config.json)."
        )
    heads = text.get("num_attention_heads", parallel)
    if heads % parallel:
        raise StartError(
            f"ValueError: Total number of attention heads ({heads}) must be divisible by "
            f"tensor parallel size ({parallel})."
        )

    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise StartError(f"RuntimeError: Cannot find any model weights with `{model}`")
    for shard in shards:
        whole(shard)
    return Checkpoint(folder=folder, longest=length or longest)


def _config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise StartError(
            "huggingface_hub.errors.HFValidationError: Repo id must use alphanumeric chars, '-', "
            "'_' or '.'. The name cannot start or end with '-' or '.' and the maximum length is "
            f"96: '{folder}'."
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StartError(
            f"ValueError: Invalid repository ID or local directory specified: '{folder}'."
        ) from None
    except (OSError, ValueError) as error:
        raise StartError(
            f"OSError: It looks like the config file at '{folder}/config.json' is not a valid "
            f"JSON file: {error}"
        ) from None
    if not isinstance(config, dict):
        raise StartError(f"OSError: {folder}/config.json is not an object")
    return config


def whole(shard: Path) -> None:
    """A shard is as long as its header says."""
    with shard.open("rb") as opened:
        head = opened.read(8)
        if len(head) < 8:
            raise _broken("header too small (HeaderTooSmall)")
        (length,) = struct.unpack("<Q", head)
        if length > _HEADER_LIMIT:
            raise _broken("header too large (HeaderTooLarge)")
        text = opened.read(length)
    if len(text) < length:
        raise _broken("invalid header length (InvalidHeaderLength)")
    try:
        header = json.loads(text)
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
    except (ValueError, AttributeError, KeyError, IndexError, TypeError) as error:
        raise _broken(f"invalid JSON in header: {error} (InvalidHeaderDeserialization)") from None
    if 8 + length + max(ends, default=0) != shard.stat().st_size:
        # The name is how safetensors said it before 0.6, the words how it says it since.
        raise _broken("incomplete metadata, file not fully covered (MetadataIncompleteBuffer)")


def _broken(reason: str) -> StartError:
    return StartError(
        f"safetensors_rust.SafetensorError: Error while deserializing header: {reason}\n"
        "RuntimeError: Engine core initialization failed. See root cause above. "
        "Failed core proc(s): {}"
    )
