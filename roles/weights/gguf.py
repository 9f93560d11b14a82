"""
What a model of Ollama's says of its shape, as preflight reads it:
``python -m roles.weights.gguf STORE MODEL > NAME.config.json``.

The head of the model's GGUF file is read, some kilobytes of it, and written with the keys of a
transformers ``config.json``, beside the name of the blob that it was read from.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

from roles.weights import store

_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LONGEST = 64 * 1024 * 1024  # bytes of one string or array of strings; vocabularies are smaller
# What general.file_type counts; others are told by their number.
_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 7: "Q8_0", 15: "Q4_K_M", 17: "Q5_K_M", 18: "Q6_K"}


class GgufError(Exception):
    """A file is no GGUF file, or says too little."""


def config(file: BinaryIO) -> dict[str, Any]:
    """
    Return a model's shape with the keys of a ``config.json``.

    :raises GgufError: it is not to be had from this file
    """
    found = metadata(file)
    try:
        kind = found["general.architecture"]
        said = {key.removeprefix(f"{kind}."): value for key, value in found.items()}
        heads = _number(said["attention.head_count"])
        shape = {
            "architectures": [kind],
            "num_hidden_layers": said["block_count"],
            "hidden_size": said["embedding_length"],
            "num_attention_heads": heads,
            "num_key_value_heads": _number(said.get("attention.head_count_kv", heads)),
            "head_dim": said.get("attention.key_length", said["embedding_length"] // heads),
            "max_position_embeddings": said["context_length"],
            "num_experts": said.get("expert_count", 0),
            "torch_dtype": "float16",
        }
    except KeyError as error:
        raise GgufError(f"it does not say {error}") from error
    number = _number(said.get("general.file_type"))
    return shape | {"quantize": _TYPES.get(number, f"GGUF file type {number}")}


def metadata(file: BinaryIO) -> dict[str, Any]:
    """
    Return what the head of a GGUF file says, of arrays their largest number or nothing.

    :raises GgufError: it is no GGUF file of version 2 or 3, or ends too early
    """
    if file.read(4) != b"GGUF":
        raise GgufError("it does not begin with GGUF")
    version, _tensors, count = _unpack(file, "<IQQ")
    if version not in (2, 3):
        raise GgufError(f"it has version {version}, 2 and 3 are known")
    found = {}
    for _ in range(count):
        key = _text(file)
        (kind,) = _unpack(file, "<I")
        found[key] = _value(file, kind)
    return found


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        of, length = _unpack(file, "<IQ")
        if of in (_STRING, _ARRAY):
            for _ in range(length):
                _value(file, of)
            return None
        values = _unpack(file, f"<{length}{_scalar(of)}")
        return max(values, default=None)
    return _unpack(file, f"<{_scalar(kind)}")[0]


def _scalar(kind: int) -> str:
    if kind not in _SCALARS:
        raise GgufError(f"it has a value of kind {kind}, which is not known")
    return _SCALARS[kind]


def _text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "<Q")
    return _read(file, length).decode("utf-8", "replace")


def _unpack(file: BinaryIO, shape: str) -> tuple[Any, ...]:
    return struct.unpack(shape, _read(file, struct.calcsize(shape)))


def _read(file: BinaryIO, length: int) -> bytes:
    content = file.read(length) if length <= _LONGEST else b""
    if len(content) != length:
        raise GgufError("it ends in the middle of its head")
    return content


def _number(value: Any) -> int:
    """Return a number that some models give a layer each: then it is the largest."""
    return int(value or 0)


def main(words: list[str]) -> str:
    """
    Return what is printed.

    :raises SystemExit: there is no such store or model, or it says too little
    """
    if len(words) != 2 or not Path(words[0]).is_dir():
        raise SystemExit("usage: python -m roles.weights.gguf STORE MODEL")
    try:
        blob = store.weights(Path(words[0]), words[1])
        with blob.open("rb") as file:
            return json.dumps({"blob": blob.name, **config(file)}, indent=1)
    except store.StoreError as error:
        raise SystemExit(str(error)) from error
    except (GgufError, OSError) as error:
        raise SystemExit(f"{words[1]} cannot be judged: {error}") from error


if __name__ == "__main__":
    print(main(sys.argv[1:]))
