"""A receipt holds until something that a phase left is another; then it is named."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import durable
import places
import pytest
import receipts

_LARGE = receipts._SMALL + 1


@pytest.fixture
def left(tree: Path) -> Path:
    """What a phase left behind, with its receipt."""
    folder = tree / "left"
    folder.mkdir(mode=0o755)
    (folder / "small").write_text("one")
    with (folder / "large").open("wb") as file:
        file.truncate(_LARGE)
    (folder / "link").symlink_to("small")
    paths = [str(folder), *(str(folder / name) for name in ("small", "large", "link"))]
    receipts.write("phase", "d1", paths)
    return folder


def _drift() -> list[str]:
    found = receipts.read_all()["phase"]
    assert found["digest"] == "d1"
    drift: list[str] = found["drift"]
    return drift


def test_receipt_holds(left: Path) -> None:
    assert receipts.read_all() == {"phase": {"digest": "d1", "drift": []}}


def _rewritten(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(path.read_bytes())
    before = path.stat()
    beside.chmod(before.st_mode)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    beside.replace(path)


def _relinked(path: Path) -> None:
    path.unlink()
    path.symlink_to("large")


def _made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("small", Path.unlink, "is missing"),
        ("large", Path.unlink, "is missing"),
        ("link", Path.unlink, "is missing"),
        ("small", lambda path: path.write_text("two"), "has another sha256"),
        ("small", lambda path: path.chmod(0o600), "has another mode"),
        ("small", lambda path: os.chown(path, 12345, -1), "has another owner"),
        ("small", _made_a_folder, "has another kind, mode, sha256"),
        ("large", lambda path: os.utime(path, (1, 1)), "has another changed"),
        ("large", lambda path: os.truncate(path, _LARGE + 1), "has another changed, size"),
        ("large", _rewritten, "has another inode"),
        ("large", lambda path: path.chmod(0o600), "has another mode"),
        ("link", _relinked, "has another target"),
        (".", lambda path: path.chmod(0o777), "has another mode"),
    ],
)
def test_drift_names_path_and_change(
    name: str, change: Callable[[Path], object], line: str, left: Path
) -> None:
    path = left / name
    change(path)
    assert _drift() == [f"{path} {line}"]


def test_every_drift_has_its_line(left: Path) -> None:
    (left / "small").write_text("two")
    (left / "large").unlink()
    assert _drift() == [f"{left}/large is missing", f"{left}/small has another sha256"]


def test_content_of_large_files_is_not_read_again(left: Path) -> None:
    # By design: whoever writes it changes its time.
    path = left / "large"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _drift() == []


def test_phase_that_did_not_leave_what_it_should_gets_no_receipt(tree: Path) -> None:
    (tree / "there").write_text("")
    with pytest.raises(SystemExit) as refused:
        receipts.write("phase", "d1", [f"{tree}/there", f"{tree}/one", f"{tree}/two"])
    assert str(refused.value) == f"phase: did not leave {tree}/one, {tree}/two"
    assert receipts.read_all() == {}


def test_receipts_that_are_none_do_not_count(left: Path) -> None:
    folder = Path(places.receipts())
    (folder / "half.json").write_text('{"digest"')
    (folder / "other.json").write_text('{"digest": "d2"}')
    (folder / "phase.json.7.new").write_text('{"digest": "d2", "paths": {}}')
    assert list(receipts.read_all()) == ["phase"]


def test_script_reads_what_to_keep_from_its_input(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "file").write_text("one")
    asked = {"digest": "d2", "paths": [f"{tree}/file"]}
    monkeypatch.setattr("sys.argv", ["receipts.py", "write", "prepare"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
    receipts.main()
    kept = durable.read_json(f"{places.receipts()}/prepare.json")
    assert kept["digest"] == "d2"
    assert list(kept["paths"]) == [f"{tree}/file"]


def test_small_files_that_nobody_touched_are_not_read_again(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    state = receipts.state

    def counted(path: str) -> dict[str, object]:
        read.append(path)
        return state(path)

    monkeypatch.setattr(receipts, "state", counted)
    assert _drift() == []
    assert f"{left}/small" not in read
    # One that was touched is what it was all the same.
    (left / "small").touch()
    assert _drift() == []
    assert read.count(f"{left}/small") == 1


def test_receipt_of_before_holds(left: Path) -> None:
    kept = Path(places.receipts()) / "phase.json"
    told = json.loads(kept.read_text())
    assert list(told.pop("seen")) == [f"{left}/small"]
    kept.write_text(json.dumps(told))
    assert _drift() == []
    (left / "small").write_text("two")
    assert _drift() == [f"{left}/small has another sha256"]


def test_whoever_gives_a_file_its_old_time_is_found_out(left: Path) -> None:
    path = left / "small"
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert _drift() == [f"{path} has another sha256"]
