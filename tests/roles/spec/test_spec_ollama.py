"""Ollama in an inventory: its archive, its store, its options, and what is wrong with them."""

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest

from roles.spec import (
    Accelerator,
    Engine,
    Folder,
    HostFolder,
    Instance,
    Kind,
    OllamaOptions,
    Stack,
    WeightsFile,
    store,
)
from tests.roles.spec.nouns import HASH, Nouns

OTHER = "1" * 64


def _options(**fields: Any) -> OllamaOptions:
    return OllamaOptions(**{"context_length": 8192} | fields)


def test_right(nouns: Nouns) -> None:
    assert nouns.host(nouns.ollama()).faults() == []
    cpu = nouns.ollama(stack=nouns.ollama_stack(accelerator=Accelerator.CPU), devices=())
    assert nouns.host(cpu, accelerator=Accelerator.CPU).faults() == []
    several = nouns.ollama(devices=(0, 1, 2))
    assert several.faults() == []


def test_digest_is_of_the_archive(nouns: Nouns) -> None:
    """Where it comes from is no part of what it is."""
    stack = nouns.ollama_stack()
    elsewhere = nouns.ollama_stack(sources=(HostFolder(path="/elsewhere"),))
    assert stack.digest == elsewhere.digest
    assert stack.digest != nouns.ollama_stack(sha256=OTHER).digest


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("qwen3:8b", "registry.ollama.ai/library/qwen3/8b"),
        ("qwen3", "registry.ollama.ai/library/qwen3/latest"),
        ("acme/tuned:v2", "registry.ollama.ai/acme/tuned/v2"),
        ("hub.example/acme/tuned:v2", "hub.example/acme/tuned/v2"),
    ],
)
def test_names_of_models(name: str, path: str) -> None:
    assert store.manifest_of(name) == f"manifests/{path}"
    (shown,) = store.models([f"manifests/{path}", f"blobs/sha256-{HASH}"])
    assert store.manifest_of(shown) == f"manifests/{path}"
    assert shown == (name if ":" in name else f"{name}:latest")


WRONG: list[tuple[Callable[[Nouns], Instance], str]] = [
    (
        lambda n: n.ollama(model="qwen3:14b"),
        "model: is qwen3:14b, which qwen3-8b-q4 does not hold, should be qwen3:8b",
    ),
    (
        lambda n: n.ollama(model=""),
        "model: is qwen3-8b-q4, which qwen3-8b-q4 does not hold, should be qwen3:8b",
    ),
    (
        lambda n: n.ollama(weights=n.weights()),
        "weights: qwen3-8b is a snapshot, which ollama does not read, "
        "give a store of Ollama of the same model",
    ),
    (
        lambda n: n.instance(weights=n.store()),
        "weights: qwen3-8b-q4 is a store of Ollama, which vllm does not read, "
        "give a snapshot of the same model",
    ),
    (
        lambda n: n.ollama(api_key=n.instance().api_key),
        "api_key: names a secret, and Ollama asks nobody for one, "
        "should be None, with the server on 127.0.0.1",
    ),
    (
        lambda n: n.ollama(address=IPv4Address("10.0.0.7")),
        "api_key: is None while the server listens on 10.0.0.7, listen on 127.0.0.1",
    ),
    (lambda n: n.ollama(devices=()), "devices: is empty, name one at least"),
    (
        lambda n: n.ollama(weights=n.store(takes=(Kind.VIDEO,))),
        "checks: asks no video question, which qwen3-8b-q4 can answer, "
        "add one whose answer is known",
    ),
    (
        lambda n: n.ollama(options=n.options()),
        "options: is for vllm, ollama-0.33 is ollama, give the options of ollama",
    ),
    (
        lambda n: n.ollama(options=_options(kv_cache_type="q8_0")),
        "options/kv_cache_type: is q8_0 without flash_attention, and would be f16, "
        "set flash_attention=True",
    ),
    (
        lambda n: n.ollama(options=_options(environment={"OLLAMA_HOST": "http://x"})),
        "options/environment: OLLAMA_HOST is rendered from the spec, "
        "leave it out and set the field that says it",
    ),
    (
        lambda n: n.ollama(options=_options(keep_alive="5 min")),
        "options/keep_alive: is '5 min', should be a time such as 30m or 90s, or -1 for ever",
    ),
    (
        lambda n: n.ollama(options=_options(images=2)),
        "options/images: there is no such key, known are context_length, engine, environment, "
        "flash_attention, keep_alive, kv_cache_type, load_timeout, max_loaded_models, max_queue, "
        "num_parallel, sched_spread",
    ),
    (
        lambda n: n.ollama(stack=n.ollama_stack(file="ollama-linux-amd64.tar.zst")),
        "stack/os_packages: is without zstd, which unpacks ollama-linux-amd64.tar.zst, add it",
    ),
    (
        lambda n: n.ollama(stack=n.ollama_stack(file="latest")),
        "stack/lock/file: is 'latest', should be the name that its makers gave it, "
        "as in ollama-linux-amd64.tar.zst",
    ),
    (
        lambda n: n.ollama(stack=n.ollama_stack(sources=())),
        "stack/lock/sources: is empty, name one at least",
    ),
    (
        lambda n: n.ollama(stack=n.ollama_stack(sources=(Folder(path=n.folder),))),
        "stack/lock/file: {folder}/ollama-linux-amd64.tgz does not exist, "
        "put it there, or name another source",
    ),
    (
        lambda n: n.ollama(weights=n.store("registry.ollama.ai/library/qwen3")),
        "weights/files/manifests/registry.ollama.ai/library/qwen3: is no manifest of Ollama's, "
        "should be manifests/<registry>/<namespace>/<model>/<tag>",
    ),
    (
        lambda n: n.ollama(weights=_with(n, WeightsFile(path="README", size=1, sha256=HASH))),
        "weights/files/README: does not belong into a store of Ollama's, list manifests and "
        "whole blobs, as python -m roles.weights.manifest STORE MODEL does",
    ),
    (
        lambda n: n.ollama(
            weights=_with(n, WeightsFile(path=f"blobs/sha256-{OTHER}", size=1, sha256=HASH))
        ),
        f"weights/files/blobs/sha256-{OTHER}: has sha256 {HASH}, should have the digest that it "
        "is named by, the store is damaged",
    ),
]


def _with(nouns: Nouns, file: WeightsFile) -> Any:
    return nouns.store(files=(*nouns.store().files, file))


@pytest.mark.parametrize(("made", "said"), WRONG, ids=[said[:60] for _, said in WRONG])
def test_wrong(nouns: Nouns, made: Callable[[Nouns], Instance], said: str) -> None:
    faults = list(map(str, made(nouns).faults()))
    assert said.replace("{folder}", str(nouns.folder)) in faults


def test_video_that_is_asked_about(nouns: Nouns) -> None:
    shown = nouns.file("x.mp4")
    asked = nouns.check(name="clip", kind=Kind.VIDEO, file=shown)
    weights = nouns.store(takes=(Kind.VIDEO,), checks=(nouns.check(), asked))
    assert list(map(str, nouns.ollama(weights=weights).faults())) == [
        "checks: asks about a video, which Ollama does not take, "
        "drop the question, and video from the weights' takes"
    ]


def test_file_of_another_size(nouns: Nouns) -> None:
    file = nouns.file("ollama-linux-amd64.tgz", "six by")
    stack = nouns.ollama_stack(sources=(Folder(path=nouns.folder),))
    assert list(map(str, stack.faults())) == [
        f"lock/size: is 7, {file} has 6 bytes, "
        "pin the file that is there, or put the pinned one there"
    ]


def test_engines_and_what_they_come_as(nouns: Nouns) -> None:
    given: dict[str, Any] = vars(nouns.ollama_stack()) | {"engine": Engine.VLLM}
    assert list(map(str, Stack(**given).faults())) == [
        "lock: is an Archive of vllm, ollama comes as an Archive, and no other engine does"
    ]
    locked = nouns.stack(engine=Engine.OLLAMA, python="")
    assert list(map(str, locked.faults())) == [
        "lock: is a Lock of ollama, ollama comes as an Archive, and no other engine does",
        "python: is missing beside a lock, give the minor version that it was made for, as in 3.12",
    ]


def test_shape_of_another_store(nouns: Nouns) -> None:
    shape = (
        '{"blob": "sha256-2", "architectures": ["qwen3"], "num_attention_heads": 1, '
        '"hidden_size": 1, "num_hidden_layers": 1}'
    )
    config = nouns.file("shape.json", shape)
    assert list(map(str, nouns.store(config=config).faults())) == [
        f"config: {config} was read from sha256-2, which is not in the manifest, "
        "make it anew, with python -m roles.weights.gguf"
    ]
    config.write_text(shape.replace("sha256-2", f"sha256-{HASH}"))
    assert nouns.store(config=config).faults() == []
