"""Files that an operator asks for."""

import os
import threading
from pathlib import Path

import pytest
from pyinfra.api import DeployError

from roles import output


def test_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    output.write("page.html", "the first", what="what runs where")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeployError) as refused:
        output.write("page.html", "the second", what="what runs where")
    said = "what runs where cannot be written: [Errno 28] No space left on device"
    assert str(refused.value) == said
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the first"]


def test_pipe_is_written_to(tmp_path: Path) -> None:
    """As ``/dev/stdout`` is, which must not become a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    output.write(str(pipe), "rows", what="the reasons")
    reader.join(60)
    assert read == ["rows"]
    assert pipe.is_fifo()


def test_link_leads_to_what_is_written(tmp_path: Path) -> None:
    link = tmp_path / "newest.json"
    link.symlink_to(tmp_path / "reasons.json")
    output.write(str(link), "rows", what="the reasons")
    assert (tmp_path / "reasons.json").read_text() == "rows"
    assert link.is_symlink()
