"""Eight idle hosts: a run that changes nothing opens one command channel on each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab
from tests.lab import fixtures
from tests.lab.site import Site, changes, sessions

pytestmark = pytest.mark.lab


@pytest.fixture
def eight(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """Eight hosts of their own, prepared and idle; ``lab`` says whether there can be any."""
    own = Lab(f"{lab.name}x")
    try:
        own.up(8)
        site = fixtures.real(own, tmp_path)
        site.want()
        done = site.run("main")
        assert done.code == 0, done.said
        yield site
    finally:
        own.destroy()


def test_nothing_to_do_is_one_command_a_host(eight: Site) -> None:
    before = [sessions(host) for host in eight.hosts]
    done = eight.run("main")
    after = [sessions(host) for host in eight.hosts]
    assert done.code == 0, done.said
    assert changes(done.report) == []
    # One is the run's, one is the question of how many there were.
    assert [b - a for a, b in zip(before, after, strict=True)] == [2] * 8
