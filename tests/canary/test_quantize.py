"""The canary with four-bit weights is an export of the shape that vLLM 0.13 needs patched."""

import json
import struct
from array import array
from pathlib import Path
from typing import Any

import pytest

from canary import quantize
from inventories.stacks import vllm_0_11_cuda, vllm_0_13_cuda, vllm_0_18_cuda, vllm_0_32_cpu
from roles.spec import Stack
from roles.weights.patch import Snapshot, needed, patched
from tests.canary.test_canary import MODEL


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canary") / "w4a16"
    quantize.model(folder)
    return folder


def test_weights_are_rounded_to_the_nearest_of_sixteen() -> None:
    first = [2.0, -2.0, 0.25, 0.0] * 32
    second = [0.5, -0.125, 0.0, 0.0625] * 32
    kept = quantize.packed(("BF16", [1, 256], _bfloat16(first + second)))
    assert kept["_shape"] == ("I64", [2], struct.pack("<2q", 1, 256))
    assert [part[:2] for part in kept.values()] == [
        ("I32", [1, 32]),
        ("BF16", [1, 2]),
        ("I64", [2]),
    ]
    scales = quantize.floats(kept["_scale"][2])
    assert list(scales) == pytest.approx([2 / 7.5, 0.5 / 7.5], rel=2**-8)
    for scale, start, numbers in zip(scales, (0, 128), (first, second), strict=True):
        read = _unpacked(kept["_packed"][2])[start : start + 128]
        # The largest lies half a step beyond the last.
        assert max(abs(a * scale - b) for a, b in zip(read, numbers, strict=True)) < 0.51 * scale


def test_language_model_alone_is_quantized(written: Path) -> None:
    before = quantize.read(MODEL / "model.safetensors")
    after = quantize.read(written / "model.safetensors")
    packed = {name.removesuffix("_packed") for name in after if name.endswith("_packed")}
    assert len(packed) == 3 * 7
    assert all(name.startswith("model.language_model.layers.") for name in packed)
    rest = before.keys() - packed
    assert {name: after[name] for name in rest} == {name: before[name] for name in rest}
    suffixes = ("_packed", "_scale", "_shape")
    assert after.keys() - rest == {name + suffix for name in packed for suffix in suffixes}


def test_config_names_every_linear_module_that_is_whole(written: Path) -> None:
    said = json.loads((written / "config.json").read_text())["quantization_config"]
    tensors = quantize.read(written / "model.safetensors")
    linear = {
        name.removesuffix(".weight")
        for name, (_, shape, _) in tensors.items()
        if name.endswith(".weight") and len(shape) == 2 and "embed" not in name
    }
    assert set(said["ignore"]) == linear
    assert said["quant_method"] == "compressed-tensors"


@pytest.mark.parametrize(
    ("stack", "names"),
    [
        (vllm_0_11_cuda.STACK, ["compressed-tensors-keys"]),
        (vllm_0_13_cuda.STACK, ["compressed-tensors-keys"]),
        (vllm_0_18_cuda.STACK, []),
        (vllm_0_32_cpu.STACK, []),
    ],
    ids=lambda value: value.name if isinstance(value, Stack) else "",
)
def test_older_vllm_gets_it_patched(stack: Stack, names: list[str], written: Path) -> None:
    config: dict[str, Any] = json.loads((written / "config.json").read_text())
    wanted = needed(Snapshot(config=config, quantization=None), stack)
    assert [patch.name for patch in wanted] == names
    weights = patched(config, *wanted)["quantization_config"]["config_groups"]["group_0"]["weights"]
    assert ("scale_dtype" in weights, "zp_dtype" in weights) == (not names, not names)


def _bfloat16(numbers: list[float]) -> bytes:
    return array("H", map(quantize.rounded, numbers)).tobytes()


def _unpacked(content: bytes) -> list[int]:
    return [(word >> 4 * place & 15) - 8 for word in array("I", content) for place in range(8)]
