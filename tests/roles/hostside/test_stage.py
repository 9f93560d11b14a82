"""A release is laid out whole, beside the one that serves, and put right where it drifted."""

import copy
import errno
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import durable
import places
import pytest
import receipts
import stage

from tests.roles.hostside.killed import Killed, kill_at
from tests.roles.hostside.staged import names

WANTED: dict[str, Any] = {
    "instance": "chat",
    "release": "r1",
    "links": {"stack": "/opt/stacks/one", "weights": "/srv/weights/one"},
    "files": {
        "release.json": {"text": '{"unit": "u"}\n', "mode": "0644"},
        "start": {"text": "#!/bin/sh\necho größer\n", "mode": "0755"},
    },
    "checks": [{"name": "sum", "prompt": "2 + 2 ="}],
    "secrets": {"generation": "g1", "files": {"api-key": "sesame-0123456789"}},
    "digest": "d1",
}


def _run(monkeypatch: pytest.MonkeyPatch, wanted: Any = WANTED) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wanted)))
    stage.main()


def _folder() -> Path:
    return Path(places.releases("chat"), "r1")


def _mode(path: Path | str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def _inodes() -> dict[str, int]:
    return {path.name: path.lstat().st_ino for path in [_folder(), *_folder().iterdir()]}


def _same_as_wanted() -> bool:
    return (
        sorted(path.name for path in _folder().iterdir())
        == ["release.json", "stack", "start", "weights"]
        and stage._whole(str(_folder()), WANTED)
        and _folder().joinpath("start").read_bytes() == "#!/bin/sh\necho größer\n".encode()
    )


def test_everything_is_laid_out(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)
    assert _same_as_wanted()
    assert (_folder() / "stack").readlink() == Path("/opt/stacks/one")
    assert (_mode(_folder()), _mode(_folder() / "start")) == (0o755, 0o755)
    assert _mode(_folder() / "release.json") == 0o644
    assert durable.read_json(f"{places.checks('chat')}/r1.json") == WANTED["checks"]
    assert Path(places.instance("chat")).is_dir()
    assert receipts.read_all() == {"stage-chat": {"digest": "d1", "drift": []}}


def test_second_run_touches_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch)
    before = _inodes()
    _run(monkeypatch)
    assert _inodes() == before
    assert capsys.readouterr().out == ""


def test_full_disk_is_not_left_fuller(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(SystemExit, match=r"chat r1 is not staged, nothing .* No space left"):
        _run(monkeypatch)
    assert names(_folder().parent) == []


def test_secrets_are_for_root_alone(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)
    key = Path(places.secrets("chat"), "g1", "api-key")
    assert key.read_text() == "sesame-0123456789"
    assert _mode(key) == 0o600
    assert _mode(key.parent) == _mode(key.parent.parent) == 0o700


def test_folders_of_secrets_that_were_opened_are_closed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(monkeypatch)
    generation = Path(places.secrets("chat"), "g1")
    generation.chmod(0o755)
    generation.parent.chmod(0o755)
    _run(monkeypatch)
    assert _mode(generation) == _mode(generation.parent) == 0o700


def test_secrets_are_nowhere_else(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch)
    (_folder() / "start").write_text("changed")
    _run(monkeypatch)
    said = capsys.readouterr()
    assert "sesame" not in said.out + said.err
    holding = [
        path for path in tree.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()
    ]
    assert holding == [Path(places.secrets("chat"), "g1", "api-key")]


def test_generations_lie_side_by_side(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)
    changed = copy.deepcopy(WANTED)
    changed["secrets"] = {"generation": "g2", "files": {"api-key": "other-0123456789"}}
    _run(monkeypatch, changed)
    assert names(places.secrets("chat")) == ["g1", "g2"]


def test_questions_follow_the_inventory(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)
    changed = copy.deepcopy(WANTED)
    changed["checks"][0]["prompt"] = "3 + 3 ="
    _run(monkeypatch, changed)
    assert durable.read_json(f"{places.checks('chat')}/r1.json") == changed["checks"]


def _made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").write_text("")


def _relinked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/elsewhere")


def _linked_to_the_same(path: Path) -> None:
    beside = path.parents[2] / "beside"
    path.rename(beside)
    path.symlink_to(beside)


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("start", lambda path: path.write_text("changed")),
    ("start", lambda path: path.write_bytes(b"\xff\xfe")),
    ("start", lambda path: path.chmod(0o777)),
    ("start", lambda path: os.chown(path, 12345, -1)),
    ("start", Path.unlink),
    ("start", _made_a_folder),
    ("start", _linked_to_the_same),
    ("weights", _relinked),
    ("weights", Path.unlink),
    ("weights", _made_a_folder),
]


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_what_was_changed_by_hand_is_laid_out_anew(
    name: str,
    change: Callable[[Path], object],
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _run(monkeypatch)
    change(_folder() / name)
    _run(monkeypatch)
    assert capsys.readouterr().out == f"{_folder()} was changed by hand; laid out anew\n"
    assert _same_as_wanted()
    assert receipts.read_all()["stage-chat"]["drift"] == []
    assert names(places.releases("chat")) == ["r1"]


def test_release_that_serves_is_said_to(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch)
    durable.link(places.instance("chat") + "/current", str(_folder()))
    (_folder() / "start").chmod(0o644)
    _run(monkeypatch)
    said = (
        f"{_folder()} was changed by hand, and serves: whether what runs began with that is not "
        "known; laid out anew\n"
    )
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("drifted", [False, True])
def test_killed_at_any_moment_it_is_laid_out_by_the_next_run(
    drifted: bool, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 0
    while True:
        moment += 1
        release = copy.deepcopy(WANTED) | {"release": f"r{moment}"}
        folder = Path(places.releases("chat"), f"r{moment}")
        if drifted:
            stage.lay_out(release)
            (folder / "start").write_text("changed")
        with monkeypatch.context() as patched:
            kill_at(patched, moment)
            try:
                stage.lay_out(release)
            except Killed:
                killed = True
            else:
                killed = False
        if drifted:
            # It may be the one that serves: it is never away.
            assert (folder / "start").is_file()
        stage.lay_out(release)
        assert stage._whole(str(folder), release)
        assert not folder.with_name(folder.name + ".new").exists()
        if not killed:
            break
    assert moment > 3
