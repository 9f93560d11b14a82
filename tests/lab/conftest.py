"""
A lab of two real hosts, and sites on them.

Modules may be given to several processes: each has a lab of its own, and what is made once for all
of them is made by whoever comes first.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from string import ascii_lowercase

import pytest

from roles.lab import Lab, LabError, LabHost, packages, places
from roles.lab.lock import alone
from tests.lab import ascend_site as npus
from tests.lab import fixtures
from tests.lab.site import Site
from tests.standins.ascend import npu
from tests.standins.hardware import deb, kernel
from tests.standins.nvidia.host import install_repository

PREFIX = "test"
# The modules that take longest, in their order, go first: none of them is what the end waits for.
LONGEST = ("test_engine", "test_lmdeploy", "test_mindie", "test_cuda_host", "test_interrupted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; all else stays in its order."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def left_over() -> list[Lab]:
    """Labs of test runs that are no more: the number in their name is no process."""
    names = [path.name for path in places.STATE.glob(f"{PREFIX}[0-9]*")]
    return [Lab(name) for name in names if not Path("/proc", name.strip(ascii_lowercase)).exists()]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that every process of this run has."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def lab(shared: Path) -> Iterator[Lab]:
    """Two hosts; a test leaves them as it found them."""
    try:
        packages.refuse_other_machines()
        with alone(shared):
            packages.install()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))

    for lab in left_over():
        lab.destroy()
    # A run has a lab of its own: neither the user's nor that of a run beside it.
    lab = Lab(f"{PREFIX}{os.getpid()}")
    try:
        lab.up(2)
        yield lab
    finally:
        lab.destroy()


@pytest.fixture
def lab_host(lab: Lab) -> LabHost:
    """The first host of the lab, running."""
    lab.up(2)
    return lab.hosts[0]


@pytest.fixture(scope="session")
def wheels(shared: Path) -> Path:
    """A folder of wheels, as it is carried to hosts without internet."""
    return _made(shared / "wheels", fixtures.wheels)


@pytest.fixture(scope="session")
def aisbench_wheels(shared: Path) -> Path:
    """A folder of what AISBench is made of, as it is carried to hosts without internet."""
    return _made(shared / "aisbench", fixtures.aisbench)


def _made(folder: Path, make: Callable[[Path], Path]) -> Path:
    """Return a folder that was made once, whichever process asks."""
    with alone(folder.parent):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished).rename(folder)
    return folder


@pytest.fixture(scope="module")
def make_site(
    lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Site]:
    """Make a site of both hosts that installs the stand-in engine."""

    def make() -> Site:
        lab.up(2)
        return fixtures.site(lab.hosts, tmp_path_factory.mktemp("site"), wheels)

    return make


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site]) -> Site:
    """A site whose first host serves ``chat`` with the stand-in engine."""
    made = make_site()
    made.want("(_instance(),)")
    made.planned = made.run("main", "--dry")
    done = made.run("main")
    assert done.code == 0, done.said
    return made


@pytest.fixture(scope="session")
def ascend_site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[npus.Site]:
    """A host with two cards of two chips, fresh to whoever asks first."""
    own = Lab(f"{PREFIX}{os.getpid()}npu")
    try:
        own.up(1)
        made = npus.Site(own.hosts, tmp_path_factory.mktemp("npu"), "ascend")
        npu.plug(made.host, npu.duo(2))
        tools = [*kernel.packages(), *npu.packages()]
        install_repository(made.host, deb.repository(made.folder / "tools", tools))
        yield made
    finally:
        own.destroy()
