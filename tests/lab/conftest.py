"""A lab of two real hosts, for the tests below."""

import os
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

import pytest

from roles.lab import Lab, LabError, LabHost, packages, places

PREFIX = "test"


def left_over() -> list[Lab]:
    """Labs of test runs that are no more: the number in their name is no process."""
    names = [path.name for path in places.STATE.glob(f"{PREFIX}[0-9]*")]
    return [Lab(name) for name in names if not Path("/proc", name.strip(ascii_lowercase)).exists()]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two hosts; a test leaves them as it found them."""
    try:
        packages.refuse_other_machines()
        packages.install()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))

    for lab in left_over():
        lab.destroy()
    # A run has a lab of its own: neither the user's nor that of a run beside it.
    lab = Lab(f"{PREFIX}{os.getpid()}")
    lab.up(2)
    yield lab
    lab.destroy()


@pytest.fixture
def lab_host(lab: Lab) -> LabHost:
    """The first host of the lab, running."""
    lab.up(2)
    return lab.hosts[0]
