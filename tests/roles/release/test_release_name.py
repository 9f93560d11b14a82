"""A release's name changes when, and only when, something changes that runs."""

import base64
import json
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from roles import engine
from roles.release import Release
from roles.release.release import plan
from roles.spec import (
    Accelerator,
    Accepted,
    Across,
    Agent,
    Benchmark,
    Engine,
    HostFolder,
    HostSpec,
    Instance,
    Kind,
    Match,
    Rank,
    Secret,
)
from roles.spec.base import digest
from tests.roles.spec.nouns import LOCK, Nouns

Change = Callable[[Nouns], HostSpec]


def _release(spec: HostSpec) -> Release:
    assert spec.faults() == []
    return Release(spec=spec, instance=spec.instances[0])


def _options(nouns: Nouns, **fields: Any) -> HostSpec:
    return nouns.chat(options=nouns.options(**fields))


def _cpu(nouns: Nouns, kv_cache_gib: int | None) -> HostSpec:
    stack = nouns.stack(accelerator=Accelerator.CPU, driver=None)
    options = nouns.options(kv_cache_gib=kv_cache_gib)
    instance = nouns.instance(stack=stack, options=options, devices=())
    return nouns.host(instance, accelerator=Accelerator.CPU)


def _across(nouns: Nouns) -> HostSpec:
    ranks = [Rank(host=f"gpu-{i}", address=IPv4Address(f"10.0.0.{i}")) for i in (1, 2)]
    instance = nouns.instance(
        stack=nouns.stack(command=("serve",)),
        options=nouns.options(tensor_parallel_size=2),
        across=Across(ranks=tuple(ranks)),
    )
    return nouns.host(instance, agent=Agent())


RUNS: dict[str, Change] = {
    "lock": lambda n: n.chat(stack=n.stack(lock=n.lock(LOCK.replace("0.26.0", "0.26.1")))),
    "hash in the lock": lambda n: n.chat(stack=n.stack(lock=n.lock(LOCK.replace("00", "11")))),
    "name of the stack": lambda n: n.chat(stack=n.stack(name="vllm-0.26-cuda-b")),
    "python of the stack": lambda n: n.chat(stack=n.stack(python="3.11")),
    "command": lambda n: n.chat(stack=n.stack(command=("-m", "vllm"))),
    "manifest": lambda n: n.chat(weights=n.weights("merges.txt")),
    "name of the weights": lambda n: n.chat(weights=n.weights(name="qwen3-14b")),
    "place of the weights": lambda n: n.host(n.instance(), weights_root="/data/weights"),
    "name": lambda n: n.chat(name="talk"),
    "model": lambda n: n.chat(model="assistant"),
    "port": lambda n: n.chat(port=8001),
    "address": lambda n: n.chat(address=IPv4Address("10.0.0.5")),
    "devices": lambda n: n.chat(devices=(1,)),
    "ready_within_s": lambda n: n.chat(ready_within_s=60),
    "dtype": lambda n: _options(n, dtype="float16"),
    "max_model_len": lambda n: _options(n, max_model_len=8192),
    "max_num_seqs": lambda n: _options(n, max_num_seqs=1),
    "gpu_memory_utilization": lambda n: _options(n, gpu_memory_utilization=0.8),
    "images": lambda n: _options(n, images=1),
    "videos": lambda n: _options(n, videos=1),
    "enforce_eager": lambda n: _options(n, enforce_eager=True),
    "environment": lambda n: _options(n, environment={"VLLM_LOGGING_LEVEL": "DEBUG"}),
    "extra": lambda n: _options(n, extra=("--seed", "1")),
    "tensor_parallel_size": lambda n: n.chat(
        options=n.options(tensor_parallel_size=2), devices=(0, 1)
    ),
    "pipeline_parallel_size": lambda n: n.chat(
        options=n.options(pipeline_parallel_size=2), devices=(0, 1)
    ),
    "across": lambda n: _across(n),
}

# A release is the same however it is asked, waited for and brought.
RUNS_NOT: dict[str, Change] = {
    "the same": lambda n: n.chat(),
    "checks": lambda n: n.chat(checks=(n.check(expect="four"), n.check(name="again"))),
    "another secret": lambda n: n.chat(api_key=Secret(file=n.folder / "key")),
    "no secret": lambda n: n.chat(api_key=None),
    "benchmark": lambda n: n.chat(benchmark=Benchmark(accuracy_at_least=80)),
    "drain_within_s": lambda n: n.chat(drain_within_s=7),
    "failing_device": lambda n: n.chat(failing_device="move"),
    "accepted advisory": lambda n: n.chat(
        stack=n.stack(accepts=(Accepted(advisory="CVE-2026-22778", reason="takes no video"),))
    ),
    "ready for another stack": lambda n: n.host(
        n.instance(), ready_for=(n.stack(name="vllm-0.33-cuda"),)
    ),
    "source": lambda n: n.chat(weights=n.weights(sources=(HostFolder(path="/mnt/models"),))),
    "python of the host": lambda n: n.host(n.instance(), python="/usr/bin/python3.12"),
    "order of the manifest": lambda n: n.chat(
        weights=n.weights(files=tuple(reversed(n.weights("merges.txt").files)))
    ),
    "another instance beside it": lambda n: n.host(
        n.instance(), n.instance(name="draw", devices=(1,), port=8001)
    ),
    "packages of the distribution": lambda n: n.chat(stack=n.stack(os_packages=("g++",))),
}


@pytest.fixture
def moved(tmp_path: Path) -> Nouns:
    """The same nouns from a copy of the repository elsewhere."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Nouns(folder=folder)


@pytest.mark.parametrize("change", RUNS.values(), ids=RUNS)
def test_changes(nouns: Nouns, moved: Nouns, change: Change) -> None:
    assert _release(change(moved)).name != _release(nouns.chat()).name


@pytest.mark.parametrize("change", RUNS_NOT.values(), ids=RUNS_NOT)
def test_does_not_change(nouns: Nouns, moved: Nouns, change: Change) -> None:
    """Made in another folder each time: the place of the repository is no part of it."""
    weights = nouns.weights("merges.txt") if change is RUNS_NOT["order of the manifest"] else None
    before = nouns.chat(weights=weights) if weights else nouns.chat()
    assert _release(change(moved)).name == _release(before).name


def test_kv_cache(nouns: Nouns) -> None:
    """It counts where it is rendered: on a CPU."""
    assert _release(_cpu(nouns, 1)).name == _release(_cpu(nouns, None)).name
    assert _release(_cpu(nouns, 2)).name != _release(_cpu(nouns, None)).name


def test_every_option_was_tried(nouns: Nouns) -> None:
    tried = {*RUNS, "engine", "kv_cache_gib"}
    assert set(nouns.options().__dict__) - tried == set()


def test_every_field_was_tried(nouns: Nouns) -> None:
    # What compression changes is a folder: tests/roles/weights.
    tried = {*RUNS, *RUNS_NOT, "stack", "weights", "options", "api_key", "compression"}
    assert set(nouns.instance().__dict__) - tried == set()


def test_name_is_the_stack_and_a_digest(nouns: Nouns) -> None:
    release = _release(nouns.chat())
    stack, _, short = release.name.rpartition("-")
    assert (stack, len(short)) == ("vllm-0.26-cuda", 12)
    assert release.folder == f"/opt/metalserve/releases/chat/{release.name}"


def test_staged_changes_with_checks_and_secrets(nouns: Nouns) -> None:
    release = _release(nouns.chat())
    asked = _release(nouns.chat(checks=(nouns.check(expect="four"),)))
    other = _release(nouns.chat(port=8001))
    staged = release.staged("g1")
    assert _release(nouns.chat()).staged("g1") == staged
    assert len({staged, release.staged("g2"), asked.staged("g1"), other.staged("g1")}) == 4


def test_staged_changes_with_an_image(nouns: Nouns) -> None:
    """The picture itself counts, not what its file is called."""

    def staged(name: str, text: str) -> str:
        file = nouns.file(name, text)
        sign = nouns.check(name="sign", kind=Kind.IMAGE, file=file)
        weights = nouns.weights(takes=(Kind.IMAGE,), checks=(nouns.check(), sign))
        return _release(nouns.chat(weights=weights, options=nouns.options(images=1))).staged("g1")

    assert staged("sign.png", "one") == staged("road.png", "one")
    assert staged("sign.png", "one") != staged("sign.png", "two")


def test_staging(nouns: Nouns) -> None:
    release = _release(nouns.chat())
    secrets = {"generation": "g1", "files": {"api-key": "sesame"}}
    found = release.staging(secrets=secrets)
    files = found.pop("files")
    assert found == {
        "instance": "chat",
        "release": release.name,
        "links": {
            "stack": f"/opt/metalserve/stacks/{nouns.stack().folder}",
            "weights": f"/srv/metalserve/weights/qwen3-8b/{nouns.weights().digest[:12]}",
        },
        "checks": [
            {
                "name": "sum",
                "kind": "text",
                "prompt": "2 + 2 =",
                "expect": "4",
                "match": "contains",
                "max_tokens": 32,
                "within_s": 60.0,
                "media": "",
            }
        ],
        "secrets": secrets,
        "digest": digest([release.name, release.checks, "g1"]),
    }
    assert {name: file["mode"] for name, file in files.items()} == {
        "start": "0755",
        "environment": "0644",
        "release.json": "0644",
    }
    assert all(file["text"].endswith("\n") for file in files.values())


def test_about(nouns: Nouns) -> None:
    """What the host's own scripts know of a release."""
    text = _release(nouns.chat(model="assistant")).files["release.json"].text
    assert json.loads(text) == {
        "engine": "vllm",
        "unit": "metalserve-vllm@chat.service",
        "address": "127.0.0.1",
        "port": 8000,
        "devices": [0],
        "model": "assistant",
        "ready_within_s": 1800,
        "metrics": engine.metric_names(Engine.VLLM, "0.26.0"),
        "health": "/health",
        "stack": "vllm-0.26-cuda",
        "weights": "qwen3-8b",
    }


def test_activation(nouns: Nouns) -> None:
    (instance,) = nouns.chat(drain_within_s=7).instances
    given = {"release": "new", "serving": "old", "generation": "g1", "who": "ann@desk"}
    assert plan(instance, **given) == {
        "instance": "chat",
        "release": "new",
        "from": "old",
        "secrets": "g1",
        "drain_within_s": 7,
        "who": "ann@desk",
    }


@pytest.mark.parametrize(
    ("name", "kind", "media"),
    [
        ("sign.png", Kind.IMAGE, "image/png"),
        ("SIGN.PNG", Kind.IMAGE, "image/png"),
        ("sign.jpg", Kind.IMAGE, "image/jpeg"),
        ("sign.jpeg", Kind.IMAGE, "image/jpeg"),
        ("film.mp4", Kind.VIDEO, "video/mp4"),
    ],
)
def test_media(nouns: Nouns, name: str, kind: Kind, media: str) -> None:
    content = bytes(range(256))
    file = nouns.file(name)
    file.write_bytes(content)
    asked = nouns.check(name="see", kind=kind, file=file, match=Match.EXACT)
    weights = nouns.weights(takes=(kind,), checks=(nouns.check(), asked))
    options = nouns.options(images=1, videos=1)
    text, seen = _release(nouns.chat(weights=weights, options=options)).checks
    assert (text["media"], seen["match"]) == ("", "exact")
    kept, _, encoded = str(seen["media"]).partition(";base64,")
    assert (kept, base64.b64decode(encoded, validate=True)) == (f"data:{media}", content)
    assert "file" not in seen
    json.dumps(seen)


def test_what_a_thousand_hosts_share_is_rendered_once(
    nouns: Nouns, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered, asked = engine.rendered, []

    def count(instance: Instance) -> dict[str, engine.File]:
        asked.append(instance)
        return rendered(instance)

    monkeypatch.setattr(engine, "rendered", count)
    chat = nouns.chat()
    releases = [_release(chat) for _ in range(1000)]
    assert len({one.name for one in releases}) == 1
    assert (
        len({id(one.files) for one in releases}) == len({id(one.checks) for one in releases}) == 1
    )
    assert asked == [chat.instances[0]]
