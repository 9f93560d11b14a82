"""What a spread's rows and the inventory of its hosts say."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.weights import spread
from bench.weights.__main__ import PARTS
from bench.weights.site import Models
from roles.lab import LabError, LabHost
from tests.roles.hostside.models import model


def test_row() -> None:
    found = spread._row("metalserve", "first", 8, 117.96, 109.04, 88.4, 1238.7)
    assert found == {
        "part": "spread",
        "tool": "metalserve",
        "run": "first",
        "hosts": 8,
        "wall_s": 118.0,
        "last_s": 109.0,
        "ratio": 1.23,
        "mb_out": 1239,
    }
    # As many as the table has columns.
    assert len(found) == len(spread.COLUMNS)


def test_row_of_no_change() -> None:
    found = spread._row("metalserve", "no-change", 8, 4.24, None, None, None)
    assert found["wall_s"] == 4.2
    assert [found[name] for name in ("last_s", "ratio", "mb_out")] == [None] * 3


def test_every_part_says_what_it_is() -> None:
    assert list(PARTS) == ["fetch", "hashing", "spread"]
    assert all(part.COLUMNS[:4] == ("part", "tool", "run", "hosts") for part in PARTS.values())


@pytest.fixture
def hosts(tmp_path: Any) -> Models:
    """Two hosts, and what was wanted of them."""
    site = SimpleNamespace(hosts=["one", "two"], folder=tmp_path, wanted=())
    site.want = lambda *wanted: setattr(site, "wanted", wanted)
    return Models(cast(Any, site))


def test_every_host_wants_the_model(hosts: Models) -> None:
    hosts.want(model(100), "HostFolder(path='/srv/source/first')")
    named: dict[str, Any] = {}
    exec((hosts.site.folder / "large.py").read_text(), named)  # noqa: S102
    weights = named["WEIGHTS"]
    assert [str(source.path) for source in weights.sources] == ["/srv/source/first"]
    assert {check.kind for check in weights.checks} == {"text"}
    site = cast(Any, hosts.site)
    assert site.wanted == ("(_instance(weights=large.WEIGHTS, options=_words),)",) * 2


def test_command_that_fails_on_a_host(hosts: Models) -> None:
    done = SimpleNamespace(returncode=1, stdout="", stderr="no such unit")
    host = SimpleNamespace(name="bench-1", run=lambda *_, **__: done)
    with pytest.raises(LabError, match="bench-1: systemctl stop bench-copy: no such unit"):
        hosts.must(cast(LabHost, host), "systemctl stop bench-copy")
