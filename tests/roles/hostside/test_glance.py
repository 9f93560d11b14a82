"""What is there is told as it is, what is not as nothing."""

import os
import shutil
from pathlib import Path

import glance
import pytest


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\n one \xff two \n")
    assert glance.text(str(path)) == "one \N{REPLACEMENT CHARACTER} two"
    assert glance.text(str(path), 5) == "one"
    assert glance.text(f"{path}/none") is None
    assert glance.text(str(tmp_path)) is None


def test_names(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c", ".d.json"):
        (tmp_path / name).touch()
    assert glance.names(str(tmp_path)) == ["a.json", "b.json", "c"]
    assert glance.names(str(tmp_path), ".json") == ["a.json", "b.json"]
    assert glance.names(f"{tmp_path}/none") == glance.names(f"{tmp_path}/c") == []


def test_program_is_found_as_a_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PATH", f"{folders[0]}:{folders[1]}")
    (folders[0] / "tool").mkdir()
    (folders[1] / "tool").touch()
    assert glance.program("tool", str(folders[2])) is None
    (folders[2] / "tool").touch(0o755)
    assert shutil.which("tool") is glance.program("tool") is None
    assert glance.program("tool", str(folders[2])) == f"{folders[2]}/tool"
    (folders[1] / "tool").chmod(0o755)
    assert shutil.which("tool") == glance.program("tool", str(folders[2])) == f"{folders[1]}/tool"


def test_room(tmp_path: Path) -> None:
    found, there = glance.room(str(tmp_path)), os.statvfs(tmp_path)
    assert found["total"] == there.f_blocks * there.f_frsize >> 20
    assert 0 < found["free"] <= found["total"]
    with pytest.raises(FileNotFoundError):
        glance.room(f"{tmp_path}/none")
