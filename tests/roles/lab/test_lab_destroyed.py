"""Labs are destroyed while others are at work, and whatever has just ended in them."""

import contextlib
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from roles.lab import Lab, LabError, places, record
from roles.lab.deletion import delete
from roles.lab.lock import alone


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of labs."""
    monkeypatch.setattr(places, "STATE", tmp_path / "state")
    return tmp_path / "state"


def test_others_come_and_go_while_records_are_read(state: Path) -> None:
    kept = record.Record(subnet=7, image="new")
    record.keep("stays", kept)
    comes_and_goes = "while mkdir goes && ln stays/lab.json goes/lab.json && rm -r goes; do :; done"
    with subprocess.Popen(["sh", "-c", comes_and_goes], cwd=state) as other:
        try:
            assert all(record.every()["stays"] == kept for _ in range(5000))
            assert record.of("stays") == kept
        finally:
            other.kill()
    shutil.rmtree(state / "goes", ignore_errors=True)
    with pytest.raises(LabError, match="lab goes: there is none, bring it up first"):
        record.of("goes")


def test_two_destroy_one_lab(state: Path) -> None:
    """Both see it; who comes second finds nothing left to do."""
    (state / "lab/hosts").mkdir(parents=True)
    changed: list[str] = []
    runs = [threading.Thread(target=lambda: changed.extend(Lab().destroy())) for _ in range(2)]
    with alone(state):
        for run in runs:
            run.start()
        time.sleep(0.3)
    for run in runs:
        run.join()
    assert changed == [f"{state}/lab is gone"]
    assert not state.exists()


def test_deleted_though_something_writes_for_a_moment(tmp_path: Path) -> None:
    folder, end = tmp_path / "disk/log", time.monotonic() + 0.5
    folder.mkdir(parents=True)

    def write() -> None:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "file").touch()

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(100):
        delete(tmp_path / "disk")
    writer.join()
    delete(tmp_path / "disk")
    assert not (tmp_path / "disk").exists()


def test_what_cannot_be_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(16, "Device or resource busy", str(path))

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(LabError, match=rf"^{tmp_path}: cannot be deleted, .*resource busy: '"):
        delete(tmp_path, within_s=0.1)
