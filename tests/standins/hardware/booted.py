"""Lab hosts of a test file's own, for tests that leave hosts in no state for others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from roles.lab import Lab, LabError, LabHost, packages


@contextmanager
def booted(subject: str, count: int) -> Iterator[list[LabHost]]:
    """
    New hosts, which are gone afterwards.

    :param subject: letters, to tell this lab from others of the same run
    """
    try:
        packages.refuse_other_machines()
        packages.install()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    # Where a run was cut off, the next one knows its lab by the number.
    lab = Lab(f"test{os.getpid()}{subject}")
    try:
        lab.up(count)
        yield lab.hosts
    finally:
        lab.destroy()
