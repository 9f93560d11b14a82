"""A lab of two real hosts, for the tests below."""

import os
from collections.abc import Iterator

import pytest

from roles.lab import Lab, LabError, LabHost, packages

# The default lab is the user's.
NAME = "test"


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

    lab = Lab(NAME)
    lab.destroy()
    lab.up(2)
    yield lab
    lab.destroy()


@pytest.fixture
def lab_host(lab: Lab) -> LabHost:
    """The first host of the lab, running."""
    lab.up(2)
    return lab.hosts[0]
