"""AISBench itself on a lab host without an index, against the engine's stand-in."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roles.lab import LabHost
from tests.lab.fixtures import WHEELS
from tests.lab.site import KEY, Site, current

pytestmark = pytest.mark.lab

UNIT = "metalserve-vllm@chat.service"
REACHED = "Benchmark(requests=6, at_once=2, max_tokens=8, accuracy_at_least=100.0)"
MISSED = "Benchmark(requests=6, at_once=2, max_tokens=8, tokens_per_s_at_least=1e6)"


@pytest.fixture(scope="module")
def serving(make_site: Callable[[], Site], aisbench_wheels: Path) -> Site:
    """A site whose first host serves, and has the wheels of AISBench on its disk."""
    made = make_site()
    shutil.copytree(aisbench_wheels, f"{made.hosts[0].disk.root}{WHEELS}", dirs_exist_ok=True)
    made.want(f"(_instance(benchmark={REACHED}),)")
    done = made.run("main")
    assert done.code == 0, done.said
    return made


def test_accuracy(serving: Site) -> None:
    """Every image question of the canary is answered right, and the key is told to nobody."""
    host = serving.hosts[0]
    done = serving.run("accuracy", "--limit", host.name)
    assert done.code == 0, done.said
    assert "accuracy 100.00 of 100, 10 of 10 questions answered" in done.said
    measured = report(host, "accuracy")
    assert (measured["accuracy"], measured["failed"], measured["of"]) == (100.0, 0, 10)
    assert measured["release"] == current(host)
    (Path(host.disk.root) / "root/pattern").write_text(KEY)
    places = "/var/lib/metalserve/benchmarks /var/lib/metalserve/jobs /var/log /tmp /dev/shm"
    assert host.run(f"grep -rlsF -f - {places} < /root/pattern").stdout == ""
    assert KEY not in done.said


def test_performance_that_is_missed(serving: Site) -> None:
    """The thresholds are no part of a release: the instance is refused, and serves on."""
    host = serving.hosts[0]
    before = current(host), started(host)
    serving.want(f"(_instance(benchmark={MISSED}),)")
    done = serving.run("performance", "--limit", host.name)
    assert done.code == 1, done.said
    measured = report(host, "performance")
    assert measured, done.said
    wanted = f"tokens a second is {measured['tokens_per_s']:g}, should be 1e+06 at least"
    assert f"chat: {wanted}" in done.said
    assert (measured["requests"], measured["failed"], measured["at_once"]) == (6, 0, 2)
    assert 0 < measured["measures"]["first_token_ms"]["p99"] < 60_000
    assert (current(host), started(host)) == before
    assert serving.answers(host)


def report(host: LabHost, kind: str) -> Any:
    """Return what was measured last."""
    said = host.run(f"python3 /opt/metalserve/hostside/aisbench.py chat {kind}").stdout
    return json.loads(said)


def started(host: LabHost) -> str:
    """Return since when the server's process runs."""
    return host.run(f"systemctl show -P ExecMainStartTimestampMonotonic {UNIT}").stdout.strip()
