"""Weights on a host: nothing to do when complete; else one job, fed from where the files are."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roles.spec import (
    Bundle,
    HostFolder,
    HostSpec,
    HttpFolder,
    HuggingFace,
    ModelScope,
    Packages,
    Rsync,
    Secret,
    Source,
    Weights,
)
from roles.spec.base import digest
from roles.weights import operations
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import HASH, Nouns

ROOT = "/srv/metalserve/weights"
MOUNT = {"name": "/mnt/models/qwen3", "folder": "/mnt/models/qwen3"}
TOKEN = "hf_kX82LmWq04TzRbYv"
COMMIT = "0123456789abcdef" * 2 + "01234567"


def _told(spec: HostSpec, weights: Weights, found: object) -> Told:
    return told(operations.model_files, spec, found, weights=weights, onto=spec)


def _digest(weights: Weights, root: str = ROOT) -> str:
    """Of the files and of where they are: elsewhere, they are still to come."""
    return digest([weights.digest, f"{root}/qwen3-8b/{weights.digest[:12]}"])


def _job(weights: Weights, *sources: dict[str, str]) -> tuple[str, dict[str, Any]]:
    phase = f"weights-qwen3-8b-{weights.digest[:12]}"
    plan = {
        "name": "qwen3-8b",
        "phase": phase,
        "digest": _digest(weights),
        "folder": f"{ROOT}/qwen3-8b/{weights.digest[:12]}",
        "sources": list(sources),
        "files": [{"path": file.path, "size": 1, "sha256": HASH} for file in weights.files],
        "limit_mib_s": None,
        "proxy": None,
        "later": 0,
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
    weights = nouns.weights(sources=(HostFolder(path="/mnt/models/qwen3"),))
    found = _told(nouns.chat(), weights, bare())
    job = _job(weights, MOUNT)
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
        _job(weights, {"name": f"{nouns.folder} of the control machine", "folder": incoming}),
        (f"rm -rf {incoming}", None),
    ]


def test_folder_of_this_machine_that_a_job_reads(nouns: Nouns) -> None:
    """The run before was stopped: what its job reads is not brought once more."""
    weights = nouns.weights()
    incoming = f"{ROOT}/.incoming/{weights.digest[:12]}"
    found = bare() | {"jobs": [f"weights-{weights.name}-{weights.digest[:12]}"]}
    assert _told(nouns.chat(), weights, found).commands == [
        lock_taken(),
        _job(weights, {"name": f"{nouns.folder} of the control machine", "folder": incoming}),
        (f"rm -rf {incoming}", None),
    ]


def test_other_root(nouns: Nouns) -> None:
    """What is complete below one root is still to come below another."""
    weights = nouns.weights(sources=(HostFolder(path="/mnt/models/qwen3"),))
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


def test_sources_in_their_order(nouns: Nouns) -> None:
    weights = nouns.weights(
        sources=(
            Bundle(path="/mnt/bundle"),
            Bundle(url="http://depot/bundle/"),
            HttpFolder(url="http://depot/qwen3"),
            HuggingFace(repo="Qwen/Qwen3", revision=COMMIT, endpoint="https://mirror.example/"),
            ModelScope(repo="Qwen/Qwen3", revision=COMMIT),
            HostFolder(path="/mnt/models/qwen3"),
        )
    )
    found = _told(nouns.chat(), weights, bare())
    below = f"weights/qwen3-8b/{weights.digest[:12]}"
    listed = f"https://modelscope.cn/api/v1/models/Qwen/Qwen3/repo?Revision={COMMIT}&FilePath="
    job = _job(
        weights,
        {"name": "the bundle /mnt/bundle", "folder": f"/mnt/bundle/{below}"},
        {"name": "the bundle http://depot/bundle", "url": f"http://depot/bundle/{below}/"},
        {"name": "http://depot/qwen3", "url": "http://depot/qwen3/"},
        {
            "name": "Hugging Face Qwen/Qwen3 0123456789ab",
            "url": f"https://mirror.example/Qwen/Qwen3/resolve/{COMMIT}/",
        },
        {"name": "ModelScope Qwen/Qwen3 0123456789ab", "url": listed},
        MOUNT,
    )
    assert found.commands == [lock_taken(), job]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (HuggingFace, {"Authorization": f"Bearer {TOKEN}"}),
        (ModelScope, {"Authorization": f"Bearer {TOKEN}", "Cookie": f"m_session_id={TOKEN}"}),
    ],
)
def test_token_travels_apart_on_an_input(
    nouns: Nouns, source: Any, shown: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHTS_TOKEN", TOKEN)
    sources: tuple[Source, ...] = (
        HostFolder(path="/mnt/models/qwen3"),
        source(repo="acme/private", revision=COMMIT, token=Secret(env="WEIGHTS_TOKEN")),
    )
    weights = nouns.weights(sources=sources)
    lock, (command, given), job = _told(nouns.chat(), weights, bare()).commands
    phase = f"weights-qwen3-8b-{weights.digest[:12]}"
    assert lock == lock_taken()
    assert command == (f"/usr/bin/python3 /opt/metalserve/hostside/tokens.py keep {phase}")
    assert json.loads(str(given)) == {"1": shown}
    assert TOKEN not in command
    assert TOKEN not in repr(job)


def test_key_of_a_depot_travels_as_tokens_do(nouns: Nouns, tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
        check=True,
        timeout=600,
    )
    host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOF0"
    depot = Rsync(
        host="depot.example", port=2222, user="models", path="/srv/qwen3", host_key=host_key,
        key=Secret(file=tmp_path / "key"),
    )  # fmt: skip
    weights = nouns.weights(sources=(depot,))
    _, (command, given), (_, job) = _told(nouns.chat(), weights, bare()).commands
    key = (tmp_path / "key").read_text()
    assert json.loads(str(given)) == {"0": {"key": key}}
    assert isinstance(job, dict)
    assert job["plan"]["sources"] == [
        {
            "name": "rsync models@depot.example:/srv/qwen3", "host": "depot.example",
            "port": "2222", "user": "models", "path": "/srv/qwen3", "host_key": host_key,
        }
    ]  # fmt: skip
    assert key.splitlines()[1] not in f"{command} {job}"


def test_token_that_is_not_to_be_had(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    source = HuggingFace(repo="a/b", revision=COMMIT, token=Secret(env="NO_SUCH_TOKEN"))
    ((command, given),) = _told(nouns.chat(), nouns.weights(sources=(source,)), bare()).commands
    said = "the environment variable NO_SUCH_TOKEN holds no secret on this machine"
    assert (command, given) == ("refuse", {"reason": f"the token or key for qwen3-8b: {said}"})


def test_bound_and_proxy(nouns: Nouns) -> None:
    weights = nouns.weights(sources=(HostFolder(path="/mnt/models/qwen3"),))
    packages = Packages(proxy="http://proxy:3128")
    spec = nouns.host(nouns.instance(), fetch_limit_mib_s=40, packages=packages)
    *_, (_, given) = _told(spec, weights, bare()).commands
    assert isinstance(given, dict)
    assert (given["plan"]["limit_mib_s"], given["plan"]["proxy"]) == (40, "http://proxy:3128")
