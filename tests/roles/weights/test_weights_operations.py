"""Weights on a host: nothing to do when complete; else one job, fed from where the files are."""

from typing import Any

import pytest

from roles.spec import HostFolder, HostSpec, Weights
from roles.spec.base import digest
from roles.weights import operations
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import HASH, Nouns

ROOT = "/srv/metalserve/weights"


def _told(spec: HostSpec, weights: Weights, found: object) -> Told:
    root, python = spec.weights_root, spec.python
    return told(operations.model_files, spec, found, weights=weights, root=root, python=python)


def _digest(weights: Weights, root: str = ROOT) -> str:
    """Of the files and of where they are: elsewhere, they are still to come."""
    return digest([weights.digest, f"{root}/qwen3-8b/{weights.digest[:12]}"])


def _job(weights: Weights, *, source: str, paths: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    phase = f"weights-qwen3-8b-{weights.digest[:12]}"
    plan = {
        "name": "qwen3-8b",
        "phase": phase,
        "digest": _digest(weights),
        "folder": f"{ROOT}/qwen3-8b/{weights.digest[:12]}",
        "source": source,
        "files": [{"path": path, "size": 1, "sha256": HASH} for path in paths],
    }
    return "run", {"name": phase, "script": "fetch", "python": "/usr/bin/python3", "plan": plan}


def _receipt(weights: Weights, *, digest: str | None = None, drift: tuple[str, ...] = ()) -> Any:
    phase = f"weights-qwen3-8b-{weights.digest[:12]}"
    return bare() | {"receipts": {phase: {"digest": digest or _digest(weights), "drift": drift}}}


def test_complete(nouns: Nouns) -> None:
    spec, weights = nouns.chat(), nouns.weights()
    found = _told(spec, weights, _receipt(weights))
    assert found == Told(commands=[], noops=["qwen3-8b is complete"])


def test_folder_of_the_host(nouns: Nouns) -> None:
    """The job reads the files where they are, and nothing there is removed."""
    weights = nouns.weights(source=HostFolder(path="/mnt/models/qwen3"))
    found = _told(nouns.chat(), weights, bare())
    job = _job(weights, source="/mnt/models/qwen3", paths=("config.json",))
    assert found == Told(commands=[lock_taken(), job], noops=[])


def test_folder_of_this_machine(nouns: Nouns) -> None:
    """The files arrive beside, each at its path, and what arrived is removed at the end."""
    weights = nouns.weights("tokens/merges.txt")
    incoming = f"{ROOT}/.incoming/{weights.digest[:12]}"
    assert _told(nouns.chat(), weights, bare()).commands == [
        lock_taken(),
        (f"mkdir -p {incoming} {incoming}/tokens", None),
        (f"upload {nouns.folder}/config.json", f"{incoming}/config.json"),
        (f"upload {nouns.folder}/tokens/merges.txt", f"{incoming}/tokens/merges.txt"),
        _job(weights, source=incoming, paths=("config.json", "tokens/merges.txt")),
        (f"rm -rf {incoming}", None),
    ]


def test_other_root(nouns: Nouns) -> None:
    """What is complete below one root is still to come below another."""
    weights = nouns.weights(source=HostFolder(path="/mnt/models/qwen3"))
    spec = nouns.host(nouns.instance(), weights_root="/data/weights")
    *_, (_, given) = _told(spec, weights, _receipt(weights)).commands
    assert isinstance(given, dict)
    assert given["plan"]["folder"] == f"/data/weights/qwen3-8b/{weights.digest[:12]}"
    assert given["plan"]["digest"] == _digest(weights, "/data/weights")
    there = _receipt(weights, digest=_digest(weights, "/data/weights"))
    assert _told(spec, weights, there).noops == ["qwen3-8b is complete"]


@pytest.mark.parametrize(
    "receipt",
    [{"digest": "0" * 64}, {"drift": (f"{ROOT}/qwen3-8b/config.json is missing",)}],
    ids=["other digest", "drift"],
)
def test_receipt_that_does_not_hold(nouns: Nouns, receipt: dict[str, Any]) -> None:
    weights = nouns.weights()
    found = _told(nouns.chat(), weights, _receipt(weights, **receipt))
    assert found.commands == _told(nouns.chat(), weights, bare()).commands
    assert found.noops == []
