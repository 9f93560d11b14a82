"""A host in a folder: our own code as hosts have it, and a stand-in of systemd."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HOSTSIDE = Path(__file__).parents[3] / "roles" / "hostside"
# Scripts on hosts import their siblings by bare names.
sys.path.insert(0, str(HOSTSIDE))

import places  # noqa: E402

from tests.roles.hostside.staged import Host  # noqa: E402
from tests.standins.ports import free_port  # noqa: E402
from tests.standins.systemctl.systemd import Systemd  # noqa: E402


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which everything of ours lies."""
    # In memory: no test should wait for what others write to this machine's disks.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    monkeypatch.setattr(os, "sync", lambda: None)
    with tempfile.TemporaryDirectory(dir=memory, prefix="hostside-") as folder:
        monkeypatch.setattr(places, "ROOT", f"{folder}/opt")
        monkeypatch.setattr(places, "STATE", f"{folder}/state")
        monkeypatch.setattr(places, "CACHE", f"{folder}/cache")
        monkeypatch.setattr(places, "RUN", f"{folder}/run")
        monkeypatch.setattr(places, "UNITS", f"{folder}/units")
        monkeypatch.setattr(places, "AUDIT", f"{folder}/log/audit.jsonl")
        monkeypatch.setattr(places, "BUS", f"{folder}/no-bus")
        for path in (places.ROOT, places.STATE, places.UNITS):
            Path(path).mkdir()
        yield Path(folder)


@pytest.fixture
def systemd(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """The stand-in of systemd, first on the path; a command that it does not know is a fault."""
    found = Systemd(Path(places.ROOT), Path(places.UNITS))
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    try:
        yield found
    finally:
        found.close()
    assert found.unknown == []


@pytest.fixture
def host(systemd: Systemd) -> Host:
    """A prepared host with two releases of the instance ``chat`` staged."""
    made = Host(systemd, free_port())
    made.stage("old")
    made.stage("new")
    return made


@pytest.fixture
def installed(tree: Path) -> Path:
    """Our own code as a host has it, in a folder where it finds this host's places."""
    folder = tree / "hostside"
    folder.mkdir()
    for source in HOSTSIDE.glob("*.py"):
        (folder / source.name).write_bytes(source.read_bytes())
    names = ("ROOT", "STATE", "CACHE", "RUN", "UNITS", "AUDIT", "BUS")
    moved = "".join(f"{name} = {getattr(places, name)!r}\n" for name in names)
    with (folder / "places.py").open("a") as file:
        file.write(moved)
    return folder


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a handful of files."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o nr_inodes=12 tmpfs {folder}") != 0:  # noqa: S605
        pytest.skip("only root can mount a small file system")
    try:
        yield folder
    finally:
        os.system(f"umount -l {folder}")  # noqa: S605
