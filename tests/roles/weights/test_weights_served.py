"""Where a stack finds a model, and what is done for it."""

import hashlib
import json
from typing import Any

import pytest

from roles.spec import Folder, Lock, Stack, Weights, WeightsFile
from roles.spec.base import digest
from roles.weights import PatchError, Served, operations
from roles.weights.made import Made
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
    return Served(n.instance(weights=_weights(n), stack=_stack(n, version, library)), ROOT)


def _patched(n: Nouns, version: str = "0.13.0") -> Made:
    (made,) = _served(n, version).made
    return made


def test_as_pinned(nouns: Nouns) -> None:
    served = _served(nouns, "0.14.0", "0.13.0")
    assert served.made == ()
    assert served.folder == f"{ROOT}/qwen3-8b/{served.instance.weights.digest[:12]}"


def test_without_its_config(nouns: Nouns) -> None:
    """What nobody can read here, nobody patches."""
    served = Served(nouns.instance(stack=_stack(nouns, "0.13.0", "0.12.2")), ROOT)
    assert served.made == ()


def test_patched(nouns: Nouns) -> None:
    served = _served(nouns)
    pinned = f"{ROOT}/qwen3-8b/{served.instance.weights.digest[:12]}"
    assert served.folder.startswith(f"{pinned}-")
    assert served.folder == _served(nouns).folder
    assert served.folder != _served(nouns, "0.11.0").folder
    made = _patched(nouns)
    assert made.title.startswith("Patch qwen3-8b for vllm-0.26-cuda: compressed-tensors-keys")
    plan = made.plan
    assert (plan["original"], plan["files"]) == (pinned, ["config.json", "model.safetensors"])
    patched = plan["patched"]["config.json"]
    assert patched["before"] == served.instance.weights.files[0].sha256
    assert made.needs == len(patched["text"])
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
        _ = served.made


def _told(n: Nouns, found: object) -> Told:
    spec = n.chat()
    made = _patched(n)
    return told(operations.made_files, spec, found, made=made, python=spec.python)


def test_job(nouns: Nouns) -> None:
    made = _patched(nouns)
    phase, _ = made.receipt
    job = {"name": phase, "script": "patch", "python": "/usr/bin/python3", "plan": made.plan}
    assert _told(nouns, bare()) == Told(commands=[lock_taken(), ("run", job)], noops=[])


def test_receipt_holds(nouns: Nouns) -> None:
    made = _patched(nouns)
    receipts = [made.receipt, _served(nouns).pinned.receipt]
    held = {phase: {"digest": digest, "drift": ()} for phase, digest in receipts}
    noop = "qwen3-8b is patched for vllm-0.26-cuda"
    assert _told(nouns, bare() | {"receipts": held}) == Told(commands=[], noops=[noop])
    assert made.receipt[1] == digest([made.folder, made.inputs])


def test_made_again_from_what_was_fetched_again(nouns: Nouns) -> None:
    """A file that is replaced there is another one than the second name leads to."""
    phase, of = _patched(nouns).receipt
    found = bare() | {"receipts": {phase: {"digest": of, "drift": ()}}}
    assert [command for command, _ in _told(nouns, found).commands][-1] == "run"
