"""What is our own, as we left it."""

import os
from pathlib import Path

import ours


def test_file_is_held_by_content_mode_owner_and_kind(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"text")
    file.chmod(0o640)
    link.symlink_to(file)
    assert ours.holds(str(file), b"text", 0o640)
    assert not ours.holds(str(file), b"other", 0o640)
    assert not ours.holds(str(file), b"text", 0o644)
    assert not ours.holds(str(link), b"text", 0o640)
    assert not ours.holds(str(tmp_path), b"text", 0o640)
    assert not ours.holds(str(tmp_path / "none"), b"text", 0o640)
    os.chown(file, 12345, -1)
    assert not ours.holds(str(file), b"text", 0o640)


def test_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert ours.has(tmp_path.stat(), 0o700)
    assert not ours.has(tmp_path.stat(), 0o755)
