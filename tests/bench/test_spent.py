"""What a command takes is read from outside: its process, and the control groups of a host."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from bench.spent import anonymous_mib, cpu_s, over_ssh, spent
from roles.lab import LabError, LabHost

BUSY = "x = bytearray(64 << 20); import time; end = time.process_time() + 0.3\n"
BUSY += "while time.process_time() < end: pass\nprint('done')"


@dataclass
class Group:
    """A host's control group: files of a test."""

    folder: Path

    def folders(self) -> list[Path]:
        """Two hierarchies, of which the first counts nothing."""
        return [self.folder / "pids", self.folder / "cpuacct"]

    def members(self) -> set[int]:
        """Nobody but this process."""
        return {os.getpid()}


@dataclass
class Host:
    """As much of a lab host as is looked at."""

    group: Group
    key: Path = Path("/keys/key")
    known_hosts: Path = Path("/keys/known")
    address: str = "10.87.1.2"


@pytest.fixture
def host(tmp_path: Path) -> Any:
    """A host whose processors have worked for 2.5 s."""
    for name in ("pids", "cpuacct"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuacct/cpuacct.usage").write_text("2500000000\n")
    return Host(Group(tmp_path))


def test_command_that_ends_well(host: Any) -> None:
    done = spent([sys.executable, "-c", BUSY], host)
    assert done.said == "done\n"
    assert 0.3 <= done.cpu_s <= done.wall_s + 0.1
    assert 64 <= done.peak_mib < 200
    assert done.host_cpu_s == 0
    row = done.row
    assert row["peak_mib"] == round(done.peak_mib)
    assert list(row) == ["wall_s", "cpu_s", "peak_mib", "host_cpu_s", "host_peak_mib"]


def test_command_that_fails(host: Any) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no room')"]
    with pytest.raises(LabError, match=r"ended with 1:\nno room\n"):
        spent(words, host)


def test_command_that_does_not_end(host: Any) -> None:
    with pytest.raises(LabError, match=r"sleep 60: ended with -9:"):
        spent(["sleep", "60"], host, within_s=0.3)


@pytest.mark.parametrize("version", [1, 2])
def test_processors_of_a_host(host: Any, version: int) -> None:
    if version == 2:
        (host.group.folder / "cpuacct/cpuacct.usage").unlink()
        text = "usage_usec 1250000\nuser_usec 1000000\n"
        (host.group.folder / "cpuacct/cpu.stat").write_text(text)
    assert cpu_s(cast(LabHost, host)) == (2.5 if version == 1 else 1.25)


def test_processors_that_nobody_counts(host: Any) -> None:
    (host.group.folder / "cpuacct/cpuacct.usage").unlink()
    # What version 1 has under this name says nothing of seconds.
    (host.group.folder / "cpuacct/cpu.stat").write_text("nr_periods 0\nnr_throttled 0\n")
    with pytest.raises(LabError, match="no control group of the host counts"):
        cpu_s(cast(LabHost, host))


def test_memory_of_processes_that_are_gone() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert anonymous_mib([ended.pid]) == 0
    assert anonymous_mib([os.getpid(), ended.pid]) > 1


def test_words_over_ssh(host: Any) -> None:
    *words, target, command = over_ssh(host, "uv --version")
    assert (target, command) == ("root@10.87.1.2", "uv --version")
    assert words[:3] == ["ssh", "-F", "none"]
    assert "UserKnownHostsFile=/keys/known" in words
