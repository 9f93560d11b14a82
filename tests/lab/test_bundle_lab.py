"""A host that reaches no index, no hub and no proxy comes to serve from a bundle alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost, places
from tests.lab import fixtures
from tests.lab.site import STANDIN, Run, Site
from tests.standins.hub import Hub, Repository
from tests.standins.index import Index

pytestmark = pytest.mark.lab

REPO = "acme/canary"
CANARY = {path.name: path.read_bytes() for path in (places.REPOSITORY / "canary/model").iterdir()}
# What a lab host knows of the way out.
WAYS_OUT = ("etc/pip.conf", "etc/uv/uv.toml", "etc/apt/apt.conf.d/50lab")


@pytest.fixture(scope="module")
def host(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A bare host without a way out."""
    lab.up(2)
    host = lab.hosts[0]
    fixtures.strip(host)
    root, kept = Path(host.disk.root), tmp_path_factory.mktemp("ways_out")
    for way in WAYS_OUT:
        shutil.move(root / way, kept / way.replace("/", "-"))
    yield host
    for way in WAYS_OUT:
        shutil.move(kept / way.replace("/", "-"), root / way)
    host.run("rm -r /srv/bundle")


@pytest.fixture(scope="module")
def site(host: LabHost, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site of that host, whose inventory names the bundle first, and a hub for who can ask it."""
    folder = tmp_path_factory.mktemp("site")
    repository = Repository(REPO)
    commit = repository.commit(CANARY)
    config = places.REPOSITORY / "canary/model/config.json"
    made = Site(
        hosts=[host],
        folder=folder,
        stack=STANDIN.format(lock=str(wheels / "lock.txt")),
        packages="Packages(folder='/srv/bundle/wheels')",
    )
    with Hub(repository) as hub, Index(wheels) as index:
        source = f"HuggingFace(repo={REPO!r}, revision={commit!r}, endpoint={hub.url!r})"
        sources = f"(Bundle(path='/srv/bundle'), {source})"
        update = f"{{'name': 'carried', 'sources': {sources}, 'config': Path({str(config)!r})}}"
        made.want(f"(_instance(weights=canary.WEIGHTS.model_copy(update={update})),)")
        done = _bundle(made, f"inventory={made.inventory}", f"index={index.url}")
        assert done.code == 0, done.said
        before = hub.mischief.sent.copy(), _wheels(index)
        again = _bundle(made, f"inventory={made.inventory}", f"index={index.url}")
        assert again.code == 0, again.said
        assert "carried is complete" in again.said
        assert hub.mischief.sent == before[0]
        assert _wheels(index) == before[1]
    # From here on neither hub nor index is there.
    shutil.copytree(folder / "bundle", Path(host.disk.root) / "srv/bundle")
    return made


def _wheels(index: Index) -> dict[str, int]:
    """Return how many bytes of each wheel the index has sent."""
    return {name: sent for name, sent in index.sent.items() if name.endswith(".whl")}


def _bundle(site: Site, *data: str) -> Run:
    words = [f"folder={site.folder / 'bundle'}", *data]
    done = subprocess.run(
        [
            str(places.REPOSITORY / ".venv/bin/pyinfra"), "-y", "@local", "deploy/bundle.py",
            *(word for given in words for word in ("--data", given)),
        ],
        cwd=places.REPOSITORY,
        env={**os.environ, "PYINFRA_PROGRESS": "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    return Run(done.returncode, done.stdout + done.stderr)


def test_bare_host_serves_from_the_bundle_alone(site: Site, host: LabHost) -> None:
    arrived = host.run("cd /srv/bundle && sha256sum --check --quiet SHA256SUMS")
    assert (arrived.returncode, arrived.stdout) == (0, "")
    done = site.run("main")
    assert done.code == 0, done.said
    assert f"carried: {len(CANARY)} of {len(CANARY)} files (3 MiB) brought" in done.said
    assert site.answers(host)


def test_bundle_is_verified(site: Site) -> None:
    done = _bundle(site, "verify=yes")
    assert done.code == 0, done.said
    assert "files are as its manifest says" in done.said
    config = next((site.folder / "bundle/weights/carried").glob("*/config.json"))
    config.write_text(config.read_text() + " ")
    done = _bundle(site, "verify=yes")
    assert done.code == 1
    assert f"{config.relative_to(site.folder / 'bundle')}: FAILED" in done.said


def test_wish_that_is_none(site: Site) -> None:
    done = _bundle(site, "verify=maybe")
    assert done.code == 1
    assert "verify: 'maybe', yes and no are right" in done.said
