"""Which patches a model needs on which stack."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from roles.spec import Accelerator, Engine, Installer, Stack
from roles.weights.patch import PatchError, Snapshot, needed, patched
from tests.roles.spec.nouns import HASH, Nouns

WEIGHTS = {"num_bits": 4, "group_size": 128, "scale_dtype": None, "zp_dtype": None}
ROPE = {
    "mrope_interleaved": True, "mrope_section": [24, 20, 20], "rope_theta": 5000000,
    "rope_type": "default",
}  # fmt: skip
EXPORT: dict[str, Any] = {
    "architectures": ["Qwen3VLForConditionalGeneration"],
    "dtype": "bfloat16",
    "quantization_config": {
        "config_groups": {
            "group_0": {"input_activations": None, "weights": dict(WEIGHTS)},
            "group_1": {"input_activations": {"scale_dtype": None}, "weights": dict(WEIGHTS)},
        },
        "quant_method": "compressed-tensors",
    },
    "text_config": {"dtype": "bfloat16", "rope_parameters": ROPE},
    "vision_config": {"dtype": "bfloat16"},
}


def _vllm(n: Nouns, version: str, compressed_tensors: str) -> Stack:
    lock = n.lock(f"compressed-tensors=={compressed_tensors} --hash=sha256:{HASH}\n")
    return n.stack(version=version, lock=lock)


def _ascend(n: Nouns, engine: Engine, chip: str) -> Stack:
    names = (
        "Ascend-cann-toolkit_8.5.1_linux-aarch64.run",
        f"Ascend-cann-{chip}-ops_8.5.1_linux-aarch64.run",
    )
    installers = tuple(Installer(file=name, sha256=HASH) for name in names)
    return n.stack(
        engine=engine,
        accelerator=Accelerator.ASCEND,
        driver=None,
        version="3.0.0",
        installers=installers,
    )


def _names(stack: Stack, config: dict[str, Any], quantization: str | None = None) -> list[str]:
    found = needed(Snapshot(config=config, quantization=quantization), stack)
    return [patch.name for patch in found]


@pytest.mark.parametrize(
    ("version", "library", "names"),
    [
        ("0.11.0", "0.11.0", ["compressed-tensors-keys", "rope-of-transformers-4"]),
        ("0.13.0", "0.12.2", ["compressed-tensors-keys"]),
        ("0.14.0", "0.13.0", []),
        ("0.26.0", "0.17.0", []),
    ],
)
def test_export_on_each_pin(nouns: Nouns, version: str, library: str, names: list[str]) -> None:
    assert _names(_vllm(nouns, version, library), EXPORT) == names


def test_every_null_key_is_dropped(nouns: Nouns) -> None:
    patches = needed(Snapshot(EXPORT), _vllm(nouns, "0.13.0", "0.12.2"))
    groups = patched(EXPORT, *patches)["quantization_config"]["config_groups"]
    kept = {"num_bits": 4, "group_size": 128}
    assert groups == {
        "group_0": {"input_activations": None, "weights": kept},
        "group_1": {"input_activations": {}, "weights": kept},
    }


def test_a_key_that_means_something_is_kept(nouns: Nouns) -> None:
    config = copy.deepcopy(EXPORT)
    config["quantization_config"]["config_groups"]["group_1"]["weights"]["zp_dtype"] = "torch.int8"
    with pytest.raises(PatchError) as caught:
        needed(Snapshot(config), _vllm(nouns, "0.13.0", "0.12.2"))
    assert str(caught.value) == (
        "quantization_config.config_groups.group_1.weights.zp_dtype is 'torch.int8', which "
        "compressed-tensors 0.12.2 does not know and which cannot be dropped; "
        "choose a stack with vLLM 0.14.0 or newer"
    )
    assert _names(_vllm(nouns, "0.14.0", "0.13.0"), config) == []


def test_rope_in_the_words_of_before(nouns: Nouns) -> None:
    stack = _vllm(nouns, "0.11.0", "0.13.0")
    text = patched(EXPORT, *needed(Snapshot(EXPORT), stack))["text_config"]
    assert text["rope_parameters"] == ROPE
    assert text["rope_theta"] == 5000000
    assert text["rope_scaling"] == {k: v for k, v in ROPE.items() if k != "rope_theta"}
    older = EXPORT | {"text_config": {"rope_scaling": {"type": "mrope"}, "rope_theta": 1}}
    assert _names(stack, older) == []
    plugin = _ascend(nouns, Engine.VLLM_ASCEND, "910b")
    by_version = [
        "rope-of-transformers-4" in _names(plugin.model_copy(update={"version": version}), EXPORT)
        for version in ("0.11.0", "0.13.0")
    ]
    assert by_version == [True, False]


def test_half_precision_on_a_duo(nouns: Nouns) -> None:
    plain = {key: value for key, value in EXPORT.items() if key != "quantization_config"}
    stack = _ascend(nouns, Engine.VLLM_ASCEND, "310p")
    found = patched(plain, *needed(Snapshot(plain), stack))
    assert (found["dtype"], found["torch_dtype"]) == ("float16", "float16")
    assert found["text_config"]["dtype"] == found["vision_config"]["dtype"] == "float16"
    assert _names(stack, found) == []
    assert _names(_ascend(nouns, Engine.VLLM_ASCEND, "910b"), plain) == []


def test_quantization_for_mindie(nouns: Nouns) -> None:
    plain = {"torch_dtype": "float16", "text_config": {"dtype": "float16"}}
    stack = _ascend(nouns, Engine.MINDIE, "910b")
    (patch,) = needed(Snapshot(plain, "W8A8S"), stack)
    assert patched(plain, patch) == plain | {"quantize": "w8a8s"}
    assert _names(stack, plain | {"quantize": "w8a8"}, "W8A8") == []
    assert _names(stack, plain) == []
    with pytest.raises(PatchError, match="W4A8_DYNAMIC, MindIE takes w8a8, w8a8s, w8a8sc"):
        needed(Snapshot(plain, "W4A8_DYNAMIC"), stack)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("quant_model_description.json", {"model_quant_type": "W8A8S"}, "W8A8S"),
        ("quant_model_description_w8a8.json", {"model.embed_tokens.weight": "FLOAT"}, "W8A8"),
        ("description.json", {"model_quant_type": "W8A8S"}, None),
    ],
)
def test_snapshot_of_a_folder(
    tmp_path: Path, name: str, content: dict[str, str], said: str | None
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(EXPORT))
    (tmp_path / name).write_text(json.dumps(content))
    assert Snapshot.of(tmp_path) == Snapshot(config=EXPORT, quantization=said)


@pytest.mark.parametrize(
    ("content", "said"), [("{", "is no JSON ("), ("[]", "is no JSON object; fetch it again")]
)
def test_broken_config(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(PatchError) as caught:
        Snapshot.of(tmp_path)
    assert f"{tmp_path}/config.json {said}" in str(caught.value)


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match=r"config\.json cannot be read: No such file"):
        Snapshot.of(tmp_path)
