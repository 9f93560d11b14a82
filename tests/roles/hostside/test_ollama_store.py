"""Whether a folder holds a whole store of Ollama's, and what is said of one that does not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot

from tests.standins.ollama import store

MANIFEST = "manifests/registry.ollama.ai/library/qwen3/8b"


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A store of one model."""
    store.add(tmp_path, "qwen3:8b", {"2 + 2 =": "4"})
    return tmp_path


def _blob(folder: Path, kind: str) -> Path:
    manifest = json.loads((folder / MANIFEST).read_text())
    (digest,) = [
        part["digest"] for part in manifest["layers"] if part["mediaType"].endswith(f".{kind}")
    ]
    return folder / "blobs" / str(digest).replace(":", "-")


def _rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / MANIFEST
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_whole(whole: Path) -> None:
    assert list(snapshot.faults(str(whole))) == []


BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (lambda f: (f / MANIFEST).unlink(), "there are no manifests/<registry>/<namespace>/"),
    (lambda f: (f / MANIFEST).write_text("{"), f"{MANIFEST} cannot be read (JSONDecodeError: "),
    (lambda f: (f / MANIFEST).write_text("{}"), f"{MANIFEST} cannot be read (KeyError: 'config')"),
    (lambda f: (f / MANIFEST).write_text("[]"), f"{MANIFEST} cannot be read (TypeError: "),
    (
        lambda f: _rewrite(f, "ollama.image.model", "ollama.image.adapter"),
        f"{MANIFEST} names no model: it is another kind of image",
    ),
    (
        lambda f: _rewrite(f, "sha256:", "sha512:"),
        f"{MANIFEST} names 'sha512:",
    ),
    (
        lambda f: _blob(f, "template").unlink(),
        "blobs/sha256-b507b9c2f6ca642bffcd06665ea7c91f235fd32daeefdf875a0f938db05fb315 cannot be "
        f"read (No such file or directory), {MANIFEST} names it",
    ),
    (
        lambda f: _blob(f, "template").write_bytes(b"{{ .Prompt }"),
        "blobs/sha256-b507b9c2f6ca642bffcd06665ea7c91f235fd32daeefdf875a0f938db05fb315 has 12 "
        f"bytes, {MANIFEST} says 13: fetch it again",
    ),
    (
        lambda f: (f / "blobs/sha256-0.partial").touch(),
        "blobs/sha256-0.partial is left of a download that did not end: end it, or remove it",
    ),
]


@pytest.mark.parametrize(("harm", "said"), BROKEN, ids=[said[:50] for _, said in BROKEN])
def test_broken(whole: Path, harm: Callable[[Path], object], said: str) -> None:
    harm(whole)
    found = list(snapshot.faults(str(whole)))
    assert found
    assert found[0].startswith(said), found


def test_file_that_is_no_model(whole: Path) -> None:
    blob = _blob(whole, "model")
    blob.write_bytes(b"X" * blob.stat().st_size)
    assert list(snapshot.faults(str(whole))) == [
        f"blobs/{blob.name} is no GGUF file, which {MANIFEST} says: fetch it again"
    ]
