"""Models of a MB or less that are whole, and how files are pinned."""

import hashlib
import json
import struct
from random import Random
from typing import Any


def shard(size: int, seed: int = 1) -> bytes:
    """Return a safetensors file with one tensor of ``size`` bytes."""
    tensor = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = json.dumps({"w": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + Random(seed).randbytes(size)  # noqa: S311


def model(*sizes: int) -> dict[str, bytes]:
    """Return the files of a model with a shard of each of ``sizes`` bytes."""
    names = [f"model-{n:05}-of-{len(sizes):05}.safetensors" for n in range(1, len(sizes) + 1)]
    mapped = {name: name for name in names}
    return {
        "config.json": b'{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}',
        "model.safetensors.index.json": json.dumps({"weight_map": mapped}).encode(),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
        **{name: shard(size, at) for at, (name, size) in enumerate(zip(names, sizes, strict=True))},
    }


def pinned(path: str, content: bytes) -> dict[str, Any]:
    """Return a file as plans pin it."""
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def listed(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the manifest of files."""
    return [pinned(path, content) for path, content in files.items()]
