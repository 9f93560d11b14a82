"""A host in a folder: our own code as hosts have it, and a stand-in of systemd."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOSTSIDE = Path(__file__).parents[3] / "roles" / "hostside"
# Scripts on hosts import their siblings by bare names.
sys.path.insert(0, str(HOSTSIDE))

import places  # noqa: E402

from tests.roles.hostside.staged import Host  # noqa: E402
from tests.standins.systemctl.systemd import Systemd, free_port  # noqa: E402


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which everything of ours lies."""
    monkeypatch.setattr(places, "ROOT", f"{tmp_path}/opt")
    monkeypatch.setattr(places, "STATE", f"{tmp_path}/state")
    monkeypatch.setattr(places, "CACHE", f"{tmp_path}/cache")
    monkeypatch.setattr(places, "UNITS", f"{tmp_path}/units")
    monkeypatch.setattr(places, "AUDIT", f"{tmp_path}/log/audit.jsonl")
    for path in (places.ROOT, places.STATE, places.UNITS):
        Path(path).mkdir()
    return tmp_path


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
    names = ("ROOT", "STATE", "CACHE", "UNITS", "AUDIT")
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
