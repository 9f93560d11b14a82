"""A private model is pinned at a hub, and a host brings it, whatever happens, and serves it."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roles.lab import Lab, places
from tests.lab.site import Run, Site
from tests.lab.waiting import AT_MOST_S, comes
from tests.standins.hub import Hub, Repository

pytestmark = pytest.mark.lab

TOKEN = "hf_kX82LmWq04TzRbYv7Np3"
REPO = "acme/canary"
CANARY = {path.name: path.read_bytes() for path in (places.REPOSITORY / "canary/model").iterdir()}
LARGE = "model.safetensors"
_CHECKED = "pinned.WEIGHTS.model_copy(update={'checks': canary.WEIGHTS.checks})"
SERVED = f"(_instance(weights={_CHECKED}),)"


@pytest.fixture(scope="module")
def hub(lab: Lab) -> Iterator[Hub]:
    """A hub on the lab's bridge that takes some seconds for the canary."""
    lab.up(2)
    repository = Repository(REPO, tokens=(TOKEN,))
    repository.commit(CANARY)
    with Hub(repository, address=lab.network.gateway) as hub:
        hub.mischief.bytes_s = 300_000
        yield hub


@pytest.fixture(scope="module")
def wanting(hub: Hub, make_site: Callable[..., Site]) -> Site:
    """A site whose first host is to serve what was pinned at the hub, and only the hub has."""
    made = make_site()
    made.environment["TEST_HUB_TOKEN"] = TOKEN
    words = ["--data", "weights=pinned", "--data", f"from=huggingface:{REPO}@main"]
    for data in (f"endpoint={hub.url}", "token=env:TEST_HUB_TOKEN", f"folder={made.folder}"):
        words += ["--data", data]
    subprocess.run(
        [places.REPOSITORY / ".venv/bin/pyinfra", "-y", "@local", "deploy/pin.py", *words],
        cwd=places.REPOSITORY,
        env={**os.environ, **made.environment},
        check=True,
        timeout=60,
    )
    made.imports = f"import sys\n\nsys.path.insert(0, {str(made.folder)!r})\nimport pinned"
    made.want(SERVED)
    return made


def _half(hub: Hub, more: int) -> Callable[[], bool]:
    """Ask whether ``more`` bytes of the large file have gone out than now."""
    seen = hub.mischief.sent[LARGE]
    return lambda: hub.mischief.sent[LARGE] > seen + more


def test_killed_and_cut_in_the_middle(hub: Hub, wanting: Site) -> None:
    host = wanting.hosts[0]
    with wanting.start("main", "--limit", host.name) as run:
        assert comes(_half(hub, 400_000))
        host.run("systemctl kill -s KILL 'metalserve-job-weights-*'")
        said = "".join(run.communicate(timeout=AT_MOST_S))
    assert run.returncode == 1, said
    assert "ended without a result" in said
    left = host.run("find /srv/metalserve/weights -name '*.safetensors*'").stdout.split()
    assert [Path(path).name for path in left] == [f"{LARGE}.partial"]

    with wanting.start("main", "--limit", host.name) as run:
        assert comes(_half(hub, 400_000))
        host.cut()
        # Longer than the job waits for a byte: it connects again, and asks for what is missing.
        time.sleep(33)
        host.mend()
        said = "".join(run.communicate(timeout=AT_MOST_S))
    assert run.returncode == 0, said
    assert TOKEN not in said
    line = r"bringing from Hugging Face acme/canary \w+: .* of 3 MiB, \d+ KiB/s, \d+ s left"
    assert re.search(line, said), said
    assert wanting.answers(host)
    assert hub.mischief.ranged[LARGE] >= 3
    twice = hub.mischief.sent[LARGE] - len(CANARY[LARGE])
    assert 0 <= twice < len(CANARY[LARGE]) // 2
    assert hub.mischief.faults == []


def test_nothing_is_fetched_again(hub: Hub, wanting: Site) -> None:
    before = hub.mischief.sent.copy()
    again = _again(wanting)
    assert again.code == 0, again.said
    assert "pinned is complete" in again.said or "No changes" in again.said
    assert hub.mischief.sent == before


def test_token_is_nowhere(wanting: Site) -> None:
    host = wanting.hosts[0]
    ours = "/opt/metalserve/releases /opt/metalserve/instances /var/lib/metalserve"
    folders = f"{ours} /etc /run/systemd /tmp /root"
    assert host.run(f"grep -rlaF {TOKEN[3:]} {folders}").stdout == ""
    assert TOKEN[3:] not in host.run("journalctl --no-pager; ps axeww").stdout.replace(
        f"grep -rlaF {TOKEN[3:]}", ""
    )


def test_two_hosts_at_once_are_told_together(hub: Hub, wanting: Site) -> None:
    wanting.hosts[0].run("rm -r /srv/metalserve/weights/pinned")
    wanting.want(SERVED, SERVED)
    hub.mischief.bytes_s = 150_000
    done = wanting.run("main")
    assert done.code == 0, done.said
    told = r"^all: 0 of 2 hosts complete, \d+ of 6 MiB, \d+ KiB/s, \d+ s left$"
    assert re.search(told, done.said, re.MULTILINE), done.said
    assert wanting.answers(wanting.hosts[1])


def _again(site: Site) -> Run:
    return site.run("main", "--limit", site.hosts[0].name)
