"""Whether a folder holds a whole model, and what is said of one that does not."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import snapshot

CANARY = Path(__file__).parents[3] / "canary/model"


def _shard(path: Path, size: int = 64) -> None:
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    header = json.dumps({"w": tensor, "__metadata__": {"format": "pt"}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A whole model in two shards."""
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    for name in names:
        _shard(tmp_path / name)
    total = sum((tmp_path / name).stat().st_size for name in names)
    index = {"metadata": {"total_size": total}, "weight_map": dict(zip("ab", names, strict=True))}
    _write(tmp_path / "model.safetensors.index.json", index)
    architecture = ["Qwen3VLForConditionalGeneration"]
    _write(tmp_path / "config.json", {"architectures": architecture, "vision_config": {"depth": 1}})
    _write(tmp_path / "tokenizer.json", {})
    _write(tmp_path / "tokenizer_config.json", {"chat_template": "{{ messages }}"})
    _write(tmp_path / "preprocessor_config.json", {})
    return tmp_path


def test_whole(whole: Path) -> None:
    assert list(snapshot.faults(str(whole))) == []
    assert list(snapshot.faults(str(CANARY))) == []


def _index(folder: Path, **changed: Any) -> None:
    path = folder / "model.safetensors.index.json"
    _write(path, json.loads(path.read_text()) | changed)


def _remove(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink()


SHARD = "model-00002-of-00002.safetensors"
BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (lambda f: (f / "config.json").unlink(), "config.json is missing"),
    (lambda f: _write(f / "config.json", {}), "config.json names no architecture: fetch it again"),
    (lambda f: (f / "config.json").write_text("[]"), "config.json is no JSON object"),
    (lambda f: (f / SHARD).unlink(), f"{SHARD} is missing, model.safetensors.index.json names it"),
    (
        lambda f: (f / SHARD).write_bytes((f / SHARD).read_bytes()[:-1]),
        f"{SHARD} has 168 bytes, its header says 169: fetch it again",
    ),
    (
        lambda f: (f / SHARD).write_bytes((f / SHARD).read_bytes() + b"x"),
        f"{SHARD} has 170 bytes, its header says 169: fetch it again",
    ),
    (lambda f: (f / SHARD).write_bytes(b"1234"), f"{SHARD} has 4 bytes, too few"),
    (lambda f: (f / SHARD).write_bytes(b"\xff" * 64), f"{SHARD} has no safetensors header"),
    (
        lambda f: (f / SHARD).write_bytes(struct.pack("<Q", 2) + b"[]"),
        f"{SHARD} has a damaged safetensors header",
    ),
    (
        lambda f: (f / SHARD).write_text("version https://git-lfs.x/v1\n"),
        f"{SHARD} is a pointer of git-lfs, not the file: fetch it with git lfs",
    ),
    (
        lambda f: (f / "merges.txt.incomplete").touch(),
        "merges.txt.incomplete is left of a download that did not end: end it, or remove it",
    ),
    (
        lambda f: (f / "model.safetensors.index.json").unlink(),
        "there are shards (model-00001-of-00002.safetensors, …) and no index of them",
    ),
    (lambda f: _index(f, weight_map={}), "model.safetensors.index.json maps no weights"),
    (
        lambda f: _index(f, metadata={"total_size": 10**9}),
        "the shards have 338 bytes, model.safetensors.index.json says 1000000000",
    ),
    (
        lambda f: (f / "model.safetensors.index.json").write_text("{"),
        "model.safetensors.index.json cannot be read (",
    ),
    (lambda f: (f / "tokenizer.json").unlink(), "there is no tokenizer: neither tokenizer.json"),
    (lambda f: (f / "tokenizer_config.json").unlink(), "tokenizer_config.json is missing"),
    (lambda f: _write(f / "tokenizer_config.json", {}), "there is no chat template: neither"),
    (lambda f: (f / "preprocessor_config.json").unlink(), "there is no image processor: neither"),
    (
        lambda f: _remove(f, "*.safetensors*"),
        "there are no *.safetensors: this is no model, or one in another format",
    ),
]


@pytest.mark.parametrize(("harm", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_broken(whole: Path, harm: Callable[[Path], object], said: str) -> None:
    harm(whole)
    found = list(snapshot.faults(str(whole)))
    assert [line for line in found if line.startswith(said)], found


def test_cut_anywhere(whole: Path) -> None:
    """Wherever a shard ends too early, it is noticed."""
    content = (whole / SHARD).read_bytes()
    for length in range(len(content)):
        (whole / SHARD).write_bytes(content[:length])
        assert snapshot.truncated(str(whole / SHARD)) is not None


def test_other_ways_to_be_whole(whole: Path) -> None:
    (whole / "tokenizer.json").rename(whole / "vocab.json")
    (whole / "merges.txt").touch()
    (whole / "preprocessor_config.json").rename(whole / "processor_config.json")
    _write(whole / "tokenizer_config.json", {})
    (whole / "chat_template.jinja").touch()
    assert list(snapshot.faults(str(whole))) == []
