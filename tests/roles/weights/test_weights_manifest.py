"""The manifest of a folder: every file once, in order, as the spec reads it back."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from roles import spec
from roles.spec import WeightsFile
from roles.weights import manifest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A snapshot of three files with what a hub client leaves beside them."""
    made = tmp_path / "snapshot"
    for path, text in {
        "model.safetensors": "weights",
        "config.json": "{}",
        "tokens/merges.txt": "",
        ".gitattributes": "*.safetensors",
        ".cache/huggingface/config.json": "{}",
        "tokens/.hidden": "x",
    }.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    return made


def _line(text: str, path: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()}  {len(text)}  {path}"


def _cli(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roles.weights.manifest", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_lines(folder: Path) -> None:
    assert manifest.lines(folder) == [
        _line("{}", "config.json"),
        _line("weights", "model.safetensors"),
        _line("", "tokens/merges.txt"),
    ]


def test_lines_of_links(folder: Path) -> None:
    """The hub's cache holds links: what they point at counts."""
    (folder / "config.json").replace(folder / ".gitattributes")
    (folder / "config.json").symlink_to(".gitattributes")
    assert manifest.lines(folder)[0] == _line("{}", "config.json")


def test_read_back(folder: Path, tmp_path: Path) -> None:
    ended = _cli(str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == manifest.lines(folder)
    kept = tmp_path / "model.sha256"
    kept.write_text(ended.stdout)
    files = spec.manifest(kept)
    assert [file.path for file in files] == [
        "config.json",
        "model.safetensors",
        "tokens/merges.txt",
    ]
    digest = hashlib.sha256(b"weights").hexdigest()
    assert files[1] == WeightsFile(path="model.safetensors", size=7, sha256=digest)


def test_usage(folder: Path) -> None:
    ended = _cli(str(folder / "config.json"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "usage: python -m roles.weights.manifest DIR [MODEL]\n"
