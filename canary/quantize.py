"""
Write the canary with four-bit weights: ``python -m canary.quantize FOLDER``.

An export of compressed-tensors' shape, as llm-compressor writes AWQ models: packed integers in
groups that share a scale, for the language model alone, named in ``config.json`` with the keys
that vLLM before 0.14 refuses. Each weight is rounded to its nearest; needs Python alone.
"""

import json
import shutil
import struct
import sys
from array import array
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
GROUP: Final = 128
SUFFIX: Final = ".weight"
MODULE: Final = "_proj" + SUFFIX
LANGUAGE: Final = "model.language_model."
# Linear modules of the vision part; they and the head stay as they are.
LINEAR: Final = (".attn.", ".linear_fc")

Tensor = tuple[str, list[int], bytes]


def read(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file: type, shape and content, by name."""
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    start = 8 + length
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {
        name: (one["dtype"], one["shape"], content[start + first : start + last])
        for name, one in header.items()
        for first, last in [one["data_offsets"]]
    }


def write(file: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape, content) in sorted(tensors.items()):
        offsets = [at, at + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        at += len(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    contents = (tensors[name][2] for name in sorted(tensors))
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(contents))


def packed(tensor: Tensor) -> dict[str, Tensor]:
    """Return what four-bit weights are kept as, by the suffix of its name."""
    _, (rows, columns), content = tensor
    numbers = floats(content)
    scales, words = array("H"), array("I")
    for start in range(0, rows * columns, GROUP):
        group = numbers[start : start + GROUP]
        # Fifteen steps from the least to the largest, as compressed-tensors counts them.
        scales.append(rounded(max(map(abs, group)) / 7.5 or 1.0))
        (scale,) = floats(scales[-1:].tobytes())
        nibbles = [8 + min(7, max(-8, round(one / scale))) for one in group]
        for first in range(0, GROUP, 8):
            eight = nibbles[first : first + 8]
            words.append(sum(one << 4 * place for place, one in enumerate(eight)))
    return {
        "_packed": ("I32", [rows, columns // 8], words.tobytes()),
        "_scale": ("BF16", [rows, columns // GROUP], scales.tobytes()),
        "_shape": ("I64", [2], struct.pack("<2q", rows, columns)),
    }


def floats(content: bytes) -> "array[float]":
    """Return numbers that are kept in bfloat16."""
    return array("f", array("I", [half << 16 for half in array("H", content)]).tobytes())


def rounded(number: float) -> int:
    """Return the nearest bfloat16, as its bits."""
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    return int(bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def said(whole: list[str]) -> dict[str, Any]:
    """Return the ``quantization_config``; ``whole`` are the modules that are not quantized."""
    weights: dict[str, Any] = {
        "actorder": None, "block_structure": None, "dynamic": False, "group_size": GROUP,
        "num_bits": 4, "observer": "memoryless_minmax", "observer_kwargs": {},
        "scale_dtype": None, "strategy": "group", "symmetric": True, "type": "int",
        "zp_dtype": None,
    }  # fmt: skip
    group = {
        "format": "pack-quantized", "input_activations": None, "output_activations": None,
        "targets": ["Linear"], "weights": weights,
    }  # fmt: skip
    return {
        "config_groups": {"group_0": group},
        "format": "pack-quantized",
        "global_compression_ratio": None,
        "ignore": whole,
        "kv_cache_scheme": None,
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
        "sparsity_config": {},
        "transform_config": {},
        "version": "0.17.0",
    }


def model(target: Path) -> None:
    """Write the model, whole, into a folder that is not there yet."""
    shutil.copytree(HERE / "model", target)
    tensors: dict[str, Tensor] = {}
    whole = []
    for name, tensor in read(target / "model.safetensors").items():
        if name.startswith(LANGUAGE) and name.endswith(MODULE):
            parts = packed(tensor).items()
            tensors.update({name + suffix: part for suffix, part in parts})
            continue
        tensors[name] = tensor
        module = name.removesuffix(SUFFIX)
        if module != name and (module == "lm_head" or any(one in name for one in LINEAR)):
            whole.append(module)
    write(target / "model.safetensors", tensors)
    config = json.loads((target / "config.json").read_text())
    config["quantization_config"] = said(sorted(whole))
    (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        raise SystemExit("usage: python -m canary.quantize FOLDER, one that is not there yet")
    model(Path(sys.argv[1]))
