"""Where a stack finds a model, and what is done for it."""

import hashlib
import json
from typing import Any

import pytest

from roles.spec import Folder, Lock, Stack, Weights, WeightsFile
from roles.spec.base import digest
from roles.weights import PatchError, Served, operations
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import HASH, Nouns
from tests.roles.weights.patch.test_patch_needed import EXPORT

ROOT = "/srv/metalserve/weights"
SHAPE = {
    "hidden_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1, "num_key_value_heads": 1,
}  # fmt: skip


def _config() -> dict[str, Any]:
    return EXPORT | {"text_config": EXPORT["text_config"] | SHAPE}


def _weights(n: Nouns) -> Weights:
    text = json.dumps(_config(), indent=2) + "\n"
    n.file("config.json", text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    files = (
        WeightsFile(path="config.json", size=len(text), sha256=sha256),
        WeightsFile(path="model.safetensors", size=1, sha256=HASH),
    )
    return n.weights(files=files, sources=(Folder(path=n.folder),))


def _stack(n: Nouns, version: str, compressed_tensors: str) -> Stack:
    pinned = f"compressed-tensors=={compressed_tensors} --hash=sha256:{HASH}\n"
    return n.stack(version=version, lock=Lock(file=n.file(f"{version}.txt", pinned)))


def _served(n: Nouns, version: str = "0.13.0", library: str = "0.12.2") -> Served:
    return Served(_weights(n), _stack(n, version, library), ROOT)


def test_as_pinned(nouns: Nouns) -> None:
    served = _served(nouns, "0.14.0", "0.13.0")
    assert served.patches == ()
    assert served.folder == f"{ROOT}/qwen3-8b/{served.weights.digest[:12]}"


def test_without_its_config(nouns: Nouns) -> None:
    """What nobody can read here, nobody patches."""
    served = Served(nouns.weights(), _stack(nouns, "0.13.0", "0.12.2"), ROOT)
    assert served.patches == ()


def test_patched(nouns: Nouns) -> None:
    served = _served(nouns)
    pinned = f"{ROOT}/qwen3-8b/{served.weights.digest[:12]}"
    assert served.folder.startswith(f"{pinned}-")
    assert served.folder == _served(nouns).folder
    assert served.folder != _served(nouns, "0.11.0").folder
    plan = served.plan
    assert (plan["original"], plan["files"]) == (pinned, ["config.json", "model.safetensors"])
    patched = plan["patched"]["config.json"]
    assert patched["before"] == served.weights.files[0].sha256
    assert patched["after"] == hashlib.sha256(patched["text"].encode()).hexdigest()
    assert "scale_dtype" not in patched["text"]


def test_cannot_run(nouns: Nouns) -> None:
    config = _config()
    config["quantization_config"] = {
        "config_groups": {"g": {"weights": {"zp_dtype": "torch.int8"}}}
    }
    served = _served(nouns)
    nouns.file("config.json", json.dumps(config))
    with pytest.raises(PatchError, match=r"zp_dtype is 'torch\.int8'"):
        _ = served.patches


def _told(n: Nouns, found: object) -> Told:
    served, spec = _served(n), n.chat()
    return told(operations.patched_files, spec, found, served=served, python=spec.python)


def test_job(nouns: Nouns) -> None:
    served = _served(nouns)
    phase, _ = served.receipt
    job = {"name": phase, "script": "patch", "python": "/usr/bin/python3", "plan": served.plan}
    assert _told(nouns, bare()) == Told(commands=[lock_taken(), ("run", job)], noops=[])


def test_receipt_holds(nouns: Nouns) -> None:
    phase, receipt = _served(nouns).receipt
    found = bare() | {"receipts": {phase: {"digest": receipt, "drift": ()}}}
    noop = "qwen3-8b is patched for vllm-0.26-cuda"
    assert _told(nouns, found) == Told(commands=[], noops=[noop])
    assert receipt == digest([_served(nouns).folder, _served(nouns)._digest])
