"""A store with a model of a few KB, laid out as Ollama lays out its own."""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path

from roles.spec.store import manifest_of

_TYPE = "application/vnd.ollama.image"
QWEN3_8B: dict[str, object] = {
    "general.architecture": "qwen3",
    "general.file_type": 15,
    "qwen3.block_count": 36,
    "qwen3.embedding_length": 4096,
    "qwen3.context_length": 40960,
    "qwen3.attention.head_count": 32,
    "qwen3.attention.head_count_kv": 8,
    "qwen3.attention.key_length": 128,
    "tokenizer.ggml.tokens": ["<unk>", "größe", "2"],
}


def gguf(facts: Mapping[str, object]) -> bytes:
    """Return the head of a GGUF file: texts, whole numbers, lists of either."""
    return (
        b"GGUF"
        + struct.pack("<IQQ", 3, 0, len(facts))
        + b"".join(
            _text(key) + struct.pack("<I", _kind(value)) + _value(value)
            for key, value in facts.items()
        )
    )


def add(folder: Path, model: str, answers: Mapping[str, str], **facts: object) -> Path:
    """Add a model to a store and return its manifest."""
    head = QWEN3_8B | facts | {"standin.answers": json.dumps(answers)}
    layers = [
        _blob(folder, "model", gguf(head)),
        _blob(folder, "template", b"{{ .Prompt }}"),
        _blob(folder, "params", b'{"stop":["<|im_end|>"]}'),
    ]
    about = {"model_format": "gguf", "model_family": "qwen3", "file_type": "Q4_K_M"}
    config = _blob(folder, "config", json.dumps(about).encode())
    config["mediaType"] = "application/vnd.docker.container.image.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": config,
        "layers": layers,
    }
    path = folder / manifest_of(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))
    return path


def _blob(folder: Path, kind: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"blobs/sha256-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": f"{_TYPE}.{kind}", "digest": f"sha256:{digest}", "size": len(content)}


def _kind(value: object) -> int:
    return {str: 8, int: 4, list: 9}[type(value)]


def _value(value: object) -> bytes:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        head = struct.pack("<IQ", _kind(value[0]), len(value))
        return head + b"".join(map(_value, value))
    return struct.pack("<I", value)


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()
