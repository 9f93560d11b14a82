"""Files and links are whole or as they were, and nothing is left beside them."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import durable
import pytest

from tests.roles.hostside.staged import fill, names


def test_write_leaves_text_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    durable.write(str(path), "größer\n", 0o600)
    assert path.read_bytes() == "größer\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize("text", ["", '{"a": 1', "[]", '{"a": 1}', '"ab"'])
def test_what_is_no_record(text: str, tmp_path: Path) -> None:
    assert durable.read_record(str(tmp_path / "file"), ("a", "b")) is None
    (tmp_path / "file").write_text(text)
    assert durable.read_record(str(tmp_path / "file"), ("a", "b")) is None
    (tmp_path / "file").write_text('{"a": 1, "b": 2, "c": 3}')
    assert durable.read_record(str(tmp_path / "file"), ("a", "b")) == {"a": 1, "b": 2, "c": 3}


def test_write_sets_the_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        durable.write(str(tmp_path / "file"), "", 0o755)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o755


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_write_leaves_what_was_when_it_fails(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        durable.write(str(path), "after")
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file"]


def test_write_on_a_disk_that_is_really_full(full_disk: Path) -> None:
    path = full_disk / "file"
    path.write_text("before")
    fill(full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        durable.write(str(path), "after")
    assert path.read_text() == "before"
    assert not list(full_disk.glob("*.new"))


def test_json_comes_back(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    durable.write_json(path, {"b": [1, None], "a": "größer"})
    assert durable.read_json(path) == {"a": "größer", "b": [1, None]}


@pytest.mark.parametrize("content", ["", "{", "half", '{"a": '])
def test_what_is_no_json_is_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(content)
    assert durable.read_json(str(tmp_path / "file")) is None


def test_a_missing_file_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert durable.read_json(str(tmp_path / "none")) is None
    assert durable.read_json(str(tmp_path / "file" / "below")) is None


def test_link_points_moves_and_goes(tmp_path: Path) -> None:
    link = tmp_path / "links" / "current"
    for target in ("one", "two", "two"):
        durable.link(str(link), target)
        assert durable.read_link(str(link)) == target
        assert names(link.parent) == ["current"]
    durable.link(str(link), None)
    assert names(link.parent) == []
    durable.link(str(link), None)


def test_link_takes_the_place_of_what_an_earlier_try_left(tmp_path: Path) -> None:
    (tmp_path / f"current.{os.getpid()}.new").symlink_to("elsewhere")
    durable.link(str(tmp_path / "current"), "one")
    assert durable.read_link(str(tmp_path / "current")) == "one"
    assert names(tmp_path) == ["current"]


def test_link_is_never_missing_while_it_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = str(tmp_path / "current")
    durable.link(link, "one")
    seen = []
    for name in ("symlink", "replace", "unlink"):
        real = getattr(os, name)

        def looked(*words: Any, real: Any = real) -> None:
            seen.append(durable.read_link(link))
            real(*words)
            seen.append(durable.read_link(link))

        monkeypatch.setattr(os, name, looked)
    durable.link(link, "two")
    assert set(seen) == {"one", "two"}


def test_link_that_fails_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.link(str(tmp_path / "current"), "one")

    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", read_only)
    with pytest.raises(OSError, match="Read-only"):
        durable.link(str(tmp_path / "current"), "two")
    assert durable.read_link(str(tmp_path / "current")) == "one"
    assert names(tmp_path) == ["current"]


def test_link_moves_on_a_disk_that_is_really_full(full_disk: Path) -> None:
    link = full_disk / "current"
    durable.link(str(link), "new")
    fill(full_disk)
    durable.link(str(link), "old")
    assert durable.read_link(str(link)) == "old"


def test_link_that_cannot_be_read_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    assert durable.read_link(str(tmp_path / "file")) is None
    assert durable.read_link(str(tmp_path / "none")) is None

    def broken(_: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "readlink", broken)
    with pytest.raises(OSError, match="Input/output error"):
        durable.read_link(str(tmp_path / "current"))


def test_appended_lines_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "log" / "audit.jsonl"
    for number in range(3):
        durable.append(str(path), json.dumps({"n": number}) + "\n")
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [0, 1, 2]


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    path, beside = tmp_path / "model", tmp_path / "model.new"
    for text in ("first", "second"):
        beside.mkdir()
        (beside / "file").write_text(text)
        (tmp_path / "model.old").mkdir()
        durable.replace_folder(str(path), str(beside))
        assert (path / "file").read_text() == text
        assert names(tmp_path) == ["model"]
