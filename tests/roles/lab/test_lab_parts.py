"""The parts that labs are built with: names, programs, daemons, locks."""

from pathlib import Path

import pytest

from roles.lab import Lab, LabError, cgroup, places
from roles.lab.command import attempt, run
from roles.lab.daemon import ONCE, Daemon
from roles.lab.lock import alone


@pytest.mark.parametrize("name", ["", "../lab", "Lab", "1st", "two labs", "a" * 21])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        Lab(name)


def test_new_lab_lacks_every_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "STATE", tmp_path)
    lab = Lab("new")
    assert lab.faults(2) == ["new-1 is new", "new-2 is new"]
    assert lab.remains() == []
    assert not lab.exists


def test_failed_command_says_what_it_said() -> None:
    with pytest.raises(LabError, match=r"ls /no/such: exit code 2, .*No such file"):
        run("ls", "/no/such")
    with pytest.raises(LabError, match="no-such-program: not installed on this machine"):
        run("no-such-program")
    with pytest.raises(LabError, match=r"sleep: no end after 0\.1 s"):
        attempt("sleep", "9", timeout_s=0.1)


def test_daemon_outlives_its_starter_and_is_known_by_its_folder(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "pid", tmp_path / "log")
    assert daemon.pid is None
    daemon.start(ONCE, "", "tail", "-f", f"{tmp_path}/log")
    assert daemon.pid is not None
    daemon.kill()
    assert daemon.pid is None

    # The number belongs to another process by now.
    daemon.pidfile.write_text("1")
    assert daemon.pid is None


@pytest.mark.parametrize(
    ("version", "file", "weight"), [(1, "cpu.shares", "16384"), (2, "cpu.weight", "1600")]
)
def test_labs_are_not_starved_by_what_runs_beside_them(
    version: int, file: str, weight: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hierarchy = cgroup.Hierarchy(tmp_path, version, frozenset({"cpu"}))
    monkeypatch.setattr(cgroup, "hierarchies", lambda: (hierarchy,))
    top = tmp_path / cgroup.ROOT
    top.mkdir()
    (top / file).write_text("as the kernel makes it")
    cgroup.Group("lab/lab-1").create()
    assert (top / file).read_text() == weight
    assert (top / "lab/lab-1").is_dir()


def test_second_run_waits_for_the_first(tmp_path: Path) -> None:
    refused = pytest.raises(LabError, match=f"{tmp_path}: another run")
    with alone(tmp_path), refused, alone(tmp_path, within_s=0.3):
        pass
    with alone(tmp_path, within_s=0.3):
        pass
