"""One model of a store of Ollama's: which files it is, and the shape that its file tells."""

import io
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roles import spec
from roles.spec.model import model_from
from roles.weights import gguf, manifest, store
from tests.standins.ollama import store as made

ROOT = Path(__file__).parents[3]
QWEN3 = "manifests/registry.ollama.ai/library/qwen3/8b"


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    """A store of two models, and what a pull left that did not end."""
    folder = tmp_path / "models"
    made.add(folder, "qwen3:8b", {"2 + 2 =": "4"})
    made.add(folder, "acme/other:1b", {})
    (folder / "blobs/sha256-00-partial").touch()
    return folder


def _cli(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"roles.weights.{module}", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_files_of_one_model(pulled: Path) -> None:
    """The template is shared with the other model; its weights are not."""
    found = store.files(pulled, "qwen3:8b")
    assert found[-1] == QWEN3
    assert len(found) == 5
    other = store.files(pulled, "acme/other:1b")
    assert len(set(found) & set(other)) == 3


def test_manifest_is_one_that_the_spec_takes(pulled: Path, tmp_path: Path) -> None:
    ended = _cli("manifest", str(pulled), "qwen3:8b")
    assert (ended.returncode, ended.stderr) == (0, "")
    kept = tmp_path / "qwen3.sha256"
    kept.write_text(ended.stdout)
    weights = spec.Weights(
        name="qwen3-8b-q4", files=spec.manifest(kept), sources=(spec.HostFolder(path="/mnt"),)
    )
    assert weights.is_store
    assert weights.faults() == []


def test_whole_store_with_a_partial_blob_is_refused(pulled: Path, tmp_path: Path) -> None:
    kept = tmp_path / "all.sha256"
    kept.write_text("\n".join(manifest.lines(pulled)))
    weights = spec.Weights(
        name="all", files=spec.manifest(kept), sources=(spec.HostFolder(path="/mnt"),)
    )
    (fault,) = weights.faults()
    assert str(fault).startswith("files/blobs/sha256-00-partial: does not belong into a store")


def test_model_that_is_not_there(pulled: Path) -> None:
    ended = _cli("manifest", str(pulled), "qwen3:14b")
    assert (ended.returncode, ended.stdout) == (1, "")
    said = f"qwen3:14b is not in {pulled}, which holds acme/other:1b, qwen3:8b\n"
    assert ended.stderr == said
    with pytest.raises(store.StoreError, match="which holds no model"):
        store.files(pulled / "blobs", "qwen3:8b")


def test_manifest_that_cannot_be_read(pulled: Path) -> None:
    (pulled / QWEN3).write_text('{"config": {}, "layers": []}')
    with pytest.raises(store.StoreError, match=r"8b cannot be read \('digest'\); pull the model"):
        store.files(pulled, "qwen3:8b")


def test_image_without_weights(pulled: Path) -> None:
    text = (pulled / QWEN3).read_text()
    (pulled / QWEN3).write_text(text.replace("ollama.image.model", "ollama.image.adapter"))
    with pytest.raises(store.StoreError, match=r"^qwen3:8b in .* has no weights"):
        store.weights(pulled, "qwen3:8b")


def test_shape(pulled: Path) -> None:
    ended = _cli("gguf", str(pulled), "qwen3:8b")
    assert (ended.returncode, ended.stderr) == (0, "")
    blob = json.loads(ended.stdout)["blob"]
    assert f"blobs/{blob}" in store.files(pulled, "qwen3:8b")
    model = model_from(ended.stdout)
    assert (model.architecture, model.layers, model.hidden) == ("qwen3", 36, 4096)
    assert (model.heads, model.kv_heads, model.head_dim) == (32, 8, 128)
    assert (model.dtype, model.quantization, model.context) == ("float16", "Q4_K_M", 40960)


def _config(**facts: object) -> dict[str, Any]:
    return gguf.config(io.BytesIO(made.gguf(made.QWEN3_8B | facts)))


def test_shape_that_is_told_otherwise() -> None:
    """A number a layer, no length of a head, a type that has no name here."""
    left_out = {k: v for k, v in made.QWEN3_8B.items() if not k.endswith("key_length")}
    facts = left_out | {"qwen3.attention.head_count_kv": [8, 0, 4], "general.file_type": 30}
    found = gguf.config(io.BytesIO(made.gguf(facts)))
    assert (found["num_key_value_heads"], found["head_dim"]) == (8, 128)
    assert found["quantize"] == "GGUF file type 30"


def test_every_kind_of_value_is_read_past() -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 3)
    for number, (kind, value) in enumerate([(12, struct.pack("<d", 0.5)), (7, b"\x01")]):
        head += struct.pack("<Q", 1) + str(number).encode() + struct.pack("<I", kind) + value
    last = struct.pack("<Q", 1) + b"x" + struct.pack("<I", 9) + struct.pack("<IQ", 8, 0)
    assert gguf.metadata(io.BytesIO(head + last)) == {"0": 0.5, "1": True, "x": None}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it does not begin with GGUF"),
        (b"GGML" + bytes(20), "it does not begin with GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "it has version 1, 2 and 3 are known"),
        (made.gguf(made.QWEN3_8B)[:-1], "it ends in the middle of its head"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "it ends in the middle of its head"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"x" + struct.pack("<I", 99),
            "it has a value of kind 99, which is not known",
        ),
        (made.gguf({"general.architecture": "qwen3"}), "it does not say 'attention.head_count'"),
    ],
)
def test_file_that_tells_nothing(content: bytes, said: str) -> None:
    with pytest.raises(gguf.GgufError) as refused:
        gguf.config(io.BytesIO(content))
    assert str(refused.value) == said


def test_usage(pulled: Path) -> None:
    assert _cli("gguf", str(pulled)).stderr == "usage: python -m roles.weights.gguf STORE MODEL\n"
    (blob,) = [store.weights(pulled, "qwen3:8b")]
    blob.write_bytes(b"GGML")
    ended = _cli("gguf", str(pulled), "qwen3:8b")
    assert ended.stderr == "qwen3:8b cannot be judged: it does not begin with GGUF\n"
