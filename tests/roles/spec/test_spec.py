"""What a noun promises: it never changes, its digest means its content, it prints as JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from roles.spec import Fault, Folder, HostFolder, Lock, Secret, Spec, SpecError, inventory
from tests.roles.spec.nouns import HASH, LOCK, Nouns

OTHER = "1" * 64


@pytest.fixture
def elsewhere(tmp_path: Path) -> Nouns:
    """The same nouns, made from files in another folder."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Nouns(folder=folder)


def test_frozen(nouns: Nouns) -> None:
    host = nouns.chat()
    instance = host.instances[0]
    for noun in (host, instance, instance.stack, instance.weights, instance.options):
        field = next(iter(type(noun).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(noun, field, None)
        with pytest.raises(ValidationError, match="frozen"):
            delattr(noun, field)


def test_broken_is_frozen_too(nouns: Nouns) -> None:
    broken = nouns.instance(port=80000)
    with pytest.raises(ValidationError, match="frozen"):
        broken.port = 8000


def test_copy_is_validated(nouns: Nouns) -> None:
    right = nouns.instance()
    assert right.model_copy(update={"port": 8001}).port == 8001
    assert right.model_copy() == right
    assert [str(fault) for fault in right.model_copy(update={"port": "web"}).faults()] == [
        "port: is 'web', should be a valid integer"
    ]


def test_stack_digest_is_of_content(nouns: Nouns, elsewhere: Nouns) -> None:
    """The lock's text counts, not its place; nor does what never lands in the stack's folder."""
    here, there = nouns.stack(), elsewhere.stack(disk_gib=8, driver="580.95.05")
    assert isinstance(here.lock, Lock)
    assert isinstance(there.lock, Lock)
    assert here.lock.file != there.lock.file
    assert here.digest == there.digest
    assert here.folder == f"vllm-0.26-cuda-{here.digest[:12]}"


@pytest.mark.parametrize(
    "change",
    [
        lambda n: n.stack(name="vllm-0.26-cuda-2"),
        lambda n: n.stack(python="3.13"),
        lambda n: n.stack(lock=n.lock(LOCK.replace(HASH, OTHER))),
    ],
)
def test_stack_digest_changes(
    nouns: Nouns, elsewhere: Nouns, change: Callable[[Nouns], Spec]
) -> None:
    assert change(elsewhere).digest != nouns.stack().digest  # type: ignore[attr-defined]


def test_weights_digest_is_of_files(nouns: Nouns, elsewhere: Nouns) -> None:
    """The same files are the same weights, in any order and wherever they came from."""
    here = nouns.weights("merges.txt", "vocab.json")
    there = elsewhere.weights(
        name="another", files=here.files[::-1], sources=(HostFolder(path="/mnt/models"),), checks=()
    )
    assert here.digest == there.digest
    assert here.size == 3


@pytest.mark.parametrize("field", [{"path": "b.json"}, {"size": 2}, {"sha256": OTHER}])
def test_weights_digest_changes(nouns: Nouns, field: dict[str, str | int]) -> None:
    weights = nouns.weights()
    files = (weights.files[0].model_copy(update=field),)
    assert nouns.weights(files=files).digest != weights.digest
    assert nouns.weights("merges.txt").digest != weights.digest


def test_digest_is_the_same_for_ever(nouns: Nouns) -> None:
    """Names on hosts' disks come from these: they never change between releases of ours."""
    assert nouns.stack().folder == "vllm-0.26-cuda-22b927a5d187"
    assert nouns.weights().digest[:12] == "121124ae1dd0"


def test_to_json(nouns: Nouns) -> None:
    (group,) = inventory({"gpu-1.example": nouns.chat()})
    ((_, fields),) = group
    plain = json.loads(json.dumps(fields["spec"].to_json()))
    assert plain["accelerator"] == "cuda"
    assert plain["instances"][0]["stack"]["lock"] == {
        "file": str(nouns.folder / "lock.txt"), "arch": "x86_64", "glibc": None, "as_of": None,
    }  # fmt: skip
    assert plain["instances"][0]["api_key"]["env"] == "METALSERVE_API_KEY"


def test_broken_has_no_json(nouns: Nouns) -> None:
    """Neither has what holds something broken."""
    broken = nouns.instance(port=80000)
    with pytest.raises(SpecError, match="port: is 80000"):
        broken.to_json()
    with pytest.raises(SpecError, match="instances/chat/port: is 80000"):
        nouns.host(broken).to_json()


def test_defaults_of_an_instance(nouns: Nouns) -> None:
    instance = nouns.instance()
    assert instance.served_as == "qwen3-8b"
    assert instance.questions == instance.weights.checks
    named = nouns.instance(model="assistant", checks=(nouns.check(name="other"),))
    assert named.served_as == "assistant"
    assert [check.name for check in named.questions] == ["other"]


def test_no_secret_in_repr(nouns: Nouns) -> None:
    """What may hold a key by mistake stays out of logs."""
    options = nouns.options(environment={"HF_TOKEN": "sk-1"}, extra=("--x=sk-2",))
    shown = repr(nouns.instance(options=options, api_key=Secret(command=("echo", "sk-3"))))
    assert "max_model_len=4096" in shown
    assert "sk-" not in shown


def test_fault_below(nouns: Nouns) -> None:
    fault = Fault(path="", wrong="is wrong", right="be right")
    assert str(fault.below("gpu-1", "port")) == "gpu-1/port: is wrong, be right"
    assert nouns.weights(sources=(Folder(path=nouns.folder),)).faults() == []
