"""An installer is verified before it runs, and its end is judged by what it said."""

import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import installer
import places
import progress
import pytest

SAID = "[Driver] [2026-01-05 10:00:00] [INFO]"


def step(*words: str, **fields: Any) -> Any:
    """Return a step as the control machine tells it."""
    right = {
        "name": "fake-1.0",
        "words": list(words),
        "timeout_s": 10,
        "installer": None,
        "success": [],
        "already": [],
        "codes": [0],
        "reboot": [],
        "tells": [],
        "always_reboot": False,
        "stops": False,
        "environment": [],
        "cwd": "/",
        "writes": [],
    }
    return {**right, **fields}


def brought(folder: Path, script: str, **fields: Any) -> Any:
    """Return the step of a vendor's file that was brought to the host."""
    file = folder / "Fake_1.0.run"
    file.write_text("#!/bin/sh\n" + script)
    known = {
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "path": str(file),
    }
    return step("sh", "{file}", "--quiet", installer=known, **fields)


@pytest.fixture
def say(tree: Path) -> progress.Progress:
    """Progress of a job."""
    (tree / "job").mkdir()
    return progress.Progress(str(tree / "job"))


def _log(name: str = "fake-1.0") -> list[str]:
    return Path(places.step_log(name)).read_text().splitlines()


def test_command_is_run(tree: Path, say: progress.Progress) -> None:
    """By its words, without anybody to answer it, in C, and all that it says is kept."""
    script = 'echo "$0 $1 $LC_ALL $EXTRA $PWD"; cat; echo late >&2'
    wanted = step("sh", "-c", script, "me", "a b", environment=[["EXTRA", "x"]], cwd=str(tree))
    said = installer.run(wanted, say)
    assert said == f"me a b C x {tree}\nlate\n"
    assert re.fullmatch(r"== \S+Z sh -c .*me a b", _log()[0])
    assert _log()[1:] == said.splitlines()
    installer.run(wanted, say)
    assert len(_log()) == 6, "what it said before stays"


def test_installer_is_run_from_its_place(tree: Path, say: progress.Progress) -> None:
    wanted = brought(tree, 'echo "$1 $TMPDIR"; ls -ld "$TMPDIR"; touch "$TMPDIR/x"')
    said = installer.run(wanted, say).splitlines()
    assert said[0] == f"--quiet {places.unpacking()}"
    assert said[1].startswith("drwx------")
    assert not Path(places.unpacking()).exists()


def test_other_file_is_not_run(tree: Path, say: progress.Progress) -> None:
    wanted = brought(tree, f"touch {tree}/ran")
    wrong = {**wanted["installer"], "sha256": "0" * 64}
    with pytest.raises(installer.StepError) as error:
        installer.run({**wanted, "installer": wrong}, say)
    assert str(error.value) == (
        f"{tree}/Fake_1.0.run is another file than the pinned one and was not run: its sha256 is "
        f"{wanted['installer']['sha256']}, wanted {'0' * 64}; bring the right file, or pin this "
        "one if it is right"
    )
    assert not (tree / "ran").exists()


def test_other_file_that_came_from_the_control_machine(tree: Path, say: progress.Progress) -> None:
    """It goes, as a right one of the same name and size would not be sent again."""
    folder = Path(places.installers())
    folder.mkdir(parents=True)
    wanted = brought(folder, "true")
    wanted["installer"]["sha256"] = "0" * 64
    with pytest.raises(installer.StepError, match="is another file than the pinned one"):
        installer.run(wanted, say)
    assert list(folder.iterdir()) == []


def test_missing_file(tree: Path, say: progress.Progress) -> None:
    wanted = brought(tree, "true")
    Path(wanted["installer"]["path"]).unlink()
    with pytest.raises(installer.StepError, match=r"Fake_1\.0\.run cannot be read \(No such file"):
        installer.run(wanted, say)


class _Disk(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("head", "takes"),
    [
        ("# Uncompressed size: 3145728 KB\n", "3.0 GiB"),
        ("# Uncompressed size: 5 MB\n", "5 MiB"),
        ("", "9 B"),
    ],
)
def test_disk_too_small_to_unpack(
    head: str,
    takes: str,
    tree: Path,
    say: progress.Progress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the archive says of itself; unpacked it is at least as large as it is."""
    wanted = brought(tree, head)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Disk(free=8))
    if not head:
        # The shell's line alone, without its line end.
        Path(wanted["installer"]["path"]).write_text("#!/bin/sh")
        digest = hashlib.sha256(b"#!/bin/sh").hexdigest()
        wanted = {**wanted, "installer": {**wanted["installer"], "sha256": digest}}
    with pytest.raises(installer.StepError) as error:
        installer.run(wanted, say)
    assert str(error.value) == (
        f"Fake_1.0.run takes {takes} to unpack, the disk of {places.ROOT} has 8 B free; free some"
    )


@pytest.mark.parametrize(
    ("script", "fields", "wrong"),
    [
        ("echo done", {}, None),
        ("echo done; exit 3", {}, "ended with code 3"),
        ("exit 2", {"codes": [0, 2]}, None),
        (
            "echo 'successfully installed!'",
            {"success": ["successfully (installed|upgraded)"]},
            None,
        ),
        (
            "echo something",
            {"success": ["successfully"]},
            "ended with code 0, but did not say that it succeeded",
        ),
        ("echo it has been installed; exit 1", {"already": ["has been installed"]}, None),
        # A word that fits does not make a failure right.
        ("echo installed successfully; exit 1", {"success": ["successfully"]}, "ended with code 1"),
    ],
)
def test_end_is_judged(script: str, fields: Any, wrong: str | None, say: progress.Progress) -> None:
    wanted = step("sh", "-c", script, **fields)
    if wrong is None:
        installer.run(wanted, say)
        return
    with pytest.raises(installer.StepError) as error:
        installer.run(wanted, say)
    shown = script.partition("echo ")[2].partition(";")[0]
    assert str(error.value) == (
        f"fake-1.0 {wrong}; all that it said is in {places.step_log('fake-1.0')}, "
        f"its last lines:\n  {shown}"
    )


def test_only_what_was_said_this_time_counts(say: progress.Progress) -> None:
    installer.run(step("echo", "successfully"), say)
    with pytest.raises(installer.StepError, match="did not say that it succeeded"):
        installer.run(step("true", success=["successfully"]), say)


def test_unknown_command(say: progress.Progress) -> None:
    with pytest.raises(installer.StepError) as error:
        installer.run(step("no-such-modprobe", "nvidia"), say)
    assert str(error.value) == (
        "fake-1.0: no-such-modprobe cannot be run (No such file or directory)"
    )


def test_command_that_takes_too_long(
    tree: Path, say: progress.Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed, with the children that it has begun."""
    monkeypatch.setattr(installer, "_KILLED_AFTER_S", 0.2)
    script = f"trap '' TERM; sleep 600 & echo $! > {tree}/child; wait; sleep 600"
    began = time.monotonic()
    with pytest.raises(installer.StepError, match=r"did not end within 0 s and was killed"):
        installer.run(step("sh", "-c", script, timeout_s=0.3), say)
    assert time.monotonic() - began < 300
    child = int((tree / "child").read_text())
    for _ in range(50):
        if not _alive(child):
            break
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_progress_is_told(
    tree: Path, say: progress.Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A percentage where there is one, else the newest line."""
    told: list[str] = []
    monkeypatch.setattr(say, "say", lambda stage, done=0, total=0: told.append(stage))
    monkeypatch.setattr(installer, "_LOOK_EVERY_S", 0.02)
    script = (
        f"echo 'Uncompressing  100%'; sleep 0.2; echo '{SAID}upgradePercentage:10%';"
        f" sleep 0.2; echo '{SAID}upgradePercentage: 90%'; sleep 0.2"
    )
    installer.run(step("sh", "-c", script), say)
    assert list(dict.fromkeys(told)) == [
        "fake-1.0: Uncompressing  100%", "fake-1.0: 10 %", "fake-1.0: 90 %",
    ]  # fmt: skip


def test_files_are_written_first(tree: Path, say: progress.Progress) -> None:
    path = f"{tree}/etc/modprobe.d/off.conf"
    said = installer.run(step("cat", path, writes=[[path, "blacklist nouveau\n"]]), say)
    assert said == "blacklist nouveau\n"
    assert oct(os.stat(path).st_mode)[-3:] == "644"  # noqa: PTH116
