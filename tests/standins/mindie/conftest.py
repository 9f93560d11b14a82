"""Servers of MindIE's stand-in, each in a place of its own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.mindie.served import Host, Served, install


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the run package has installed."""
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def host(root: Path, tmp_path: Path) -> Host:
    """A place with chips and a model."""
    return Host(tmp_path, root)


@pytest.fixture
def user() -> Iterator[Host]:
    """A place that is another user's than root's, who may look into no folder of pytest's."""
    if os.getuid() != 0:
        pytest.skip("only root can start it as another user")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "installed").mkdir()
        host = Host(folder / "host", install(folder / "installed"))
        for path in (folder / "installed").rglob("*"):
            path.chmod(path.stat().st_mode | 0o055)
        host.give(4321)
        yield host


@pytest.fixture(scope="module")
def good(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that does nothing wrong, and may be asked anything."""
    host = Host(tmp_path_factory.mktemp("good"), root)
    with host.start(MIES_SERVICE_MONITOR_MODE="1") as served:
        yield served.ready()
