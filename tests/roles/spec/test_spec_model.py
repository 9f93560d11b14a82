"""What a model's ``config.json`` says."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from roles.spec import Fault, HostFolder, Model, Weights, WeightsFile
from roles.spec.model import model_from
from tests.roles.spec.nouns import HASH, Nouns

CONFIG: dict[str, Any] = {
    "architectures": ["Qwen3VLForConditionalGeneration"],
    "text_config": {
        "dtype": "bfloat16",
        "head_dim": 128,
        "hidden_size": 2560,
        "max_position_embeddings": 262144,
        "num_attention_heads": 32,
        "num_hidden_layers": 36,
        "num_key_value_heads": 8,
    },
    "vision_config": {"depth": 24, "patch_size": 16, "spatial_merge_size": 2},
}
DENSE = Model(
    architecture="Qwen3VLForConditionalGeneration",
    layers=36,
    hidden=2560,
    heads=32,
    kv_heads=8,
    head_dim=128,
    dtype="bfloat16",
    context=262144,
    quantization=None,
    experts=0,
    vision=True,
    patch=32,
)


def _changed(**text: Any) -> str:
    return json.dumps(CONFIG | {"text_config": CONFIG["text_config"] | text})


def _weights(config: Path, sha256: str) -> Weights:
    files = (WeightsFile(path="config.json", size=1, sha256=sha256),)
    return Weights(
        name="qwen3-vl-4b", files=files, sources=(HostFolder(path="/mnt/models"),), config=config
    )


def test_vision_model() -> None:
    assert model_from(json.dumps(CONFIG)) == DENSE


def test_text_model() -> None:
    text = CONFIG["text_config"] | {"architectures": ["Qwen3ForCausalLM"]}
    found = model_from(json.dumps(text))
    assert found == DENSE._replace(architecture="Qwen3ForCausalLM", vision=False, patch=0)


def test_head_dim_unless_said() -> None:
    assert model_from(_changed(head_dim=None)).head_dim == 80


def test_mixture() -> None:
    assert model_from(_changed(num_experts=128)).experts == 128


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("quantization_config", {"quant_method": "compressed-tensors"}, "compressed-tensors"),
        ("quantize", "w8a8sc", "w8a8sc"),
        ("quantization_config", None, None),
    ],
)
def test_quantized(key: str, value: object, said: str | None) -> None:
    assert model_from(json.dumps(CONFIG | {key: value})).quantization == said


def test_dtype_of_older_transformers() -> None:
    assert model_from(_changed(dtype=None, torch_dtype="float16")).dtype == "float16"
    older = CONFIG | {"torch_dtype": "float16", "text_config": {**CONFIG["text_config"]}}
    del older["text_config"]["dtype"]
    assert model_from(json.dumps(older)).dtype == "float16"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"architectures": []}', _changed(num_hidden_layers=None), "1"]
)
def test_says_not_enough(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        model_from(text)


def test_config_of_the_manifest(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    weights = _weights(file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert (weights.faults(), weights.model) == ([], DENSE)


def test_config_of_the_folder(nouns: Nouns) -> None:
    assert nouns.weights().model is None
    nouns.file("config.json", json.dumps(CONFIG))
    assert nouns.weights().model == DENSE


def test_no_config_here() -> None:
    files = (WeightsFile(path="config.json", size=1, sha256=HASH),)
    sources = (HostFolder(path="/mnt/models"),)
    assert Weights(name="qwen3-vl-4b", files=files, sources=sources).model is None


def test_another_config(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    assert _weights(file, HASH).faults() == [
        Fault(
            path="config",
            wrong=f"{file} is another file than the manifest's config.json",
            right="copy it from the same revision",
        )
    ]


def test_no_such_config(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    assert [str(fault) for fault in _weights(file, HASH).faults()] == [
        f"config: {file} does not exist, copy it there"
    ]


def test_unreadable_config(nouns: Nouns) -> None:
    file = nouns.file("config.json", "{")
    (fault,) = nouns.weights().faults()
    assert str(fault).startswith(f"config: {file} cannot be read (")
