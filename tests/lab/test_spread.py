"""A model goes to one host from its hub, and from there to the others, whatever happens to them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from roles.lab import Lab, LabHost, places
from tests.lab import fixtures
from tests.lab.site import Run, Site, changes
from tests.lab.waiting import AT_MOST_S, comes
from tests.roles.hostside.models import listed
from tests.standins.hub import Hub, Repository

pytestmark = pytest.mark.lab

REPO = "acme/canary"
CANARY = {path.name: path.read_bytes() for path in (places.REPOSITORY / "canary/model").iterdir()}
SIZE = 4_000_000
HOSTS = 3
MBIT = 16

MODULE = """\
from roles.spec import HuggingFace, Weights, WeightsFile
from inventories.weights import canary

WEIGHTS = Weights(
    name="large",
    files=tuple(WeightsFile(**file) for file in {files!r}),
    sources=(HuggingFace(repo={repo!r}, revision={commit!r}, endpoint={endpoint!r}),),
    takes=canary.WEIGHTS.takes,
    checks=canary.WEIGHTS.checks,
)
"""


def _part(seed: int) -> bytes:
    return Random(seed).randbytes(SIZE)  # noqa: S311


FIRST = {**CANARY, **{f"parts/{n}.dat": _part(n) for n in range(4)}}
SECOND = {**FIRST, "parts/2.dat": _part(9)}


class Fleet:
    """Hosts that want a model of a hub together."""

    def __init__(self, site: Site, hub: Hub) -> None:
        self.site, self.hub = site, hub

    @property
    def hosts(self) -> list[LabHost]:
        """The hosts, in the inventory's order."""
        return self.site.hosts

    def want(self, files: dict[str, bytes]) -> None:
        """Let every host serve a revision of the model."""
        repository = self.hub.repositories[REPO]
        commit = next((c for c, kept in repository.commits.items() if kept == files), None)
        text = MODULE.format(
            files=listed(files), repo=REPO, commit=commit or repository.commit(files),
            endpoint=self.hub.url,
        )  # fmt: skip
        (self.site.folder / "large.py").write_text(text)
        self.site.want(*["(_instance(weights=large.WEIGHTS),)"] * HOSTS)

    def stage(self) -> Run:
        """Bring it."""
        return self.site.run("stage")

    def taking(self, path: str) -> list[LabHost]:
        """Return the hosts that are being given a file by another; who has to ask is not known."""
        found = f"srv/metalserve/weights/large/*.swarm/*/{path}"
        return [host for host in self.hosts if any(Path(host.disk.root).glob(found))]

    def sent(self) -> int:
        """Return the bytes that the hub has sent."""
        return sum(self.hub.mischief.sent.values())

    def whole(self, host: LabHost, files: dict[str, bytes]) -> bool:
        """Say whether a host has every file under its name and nothing half done."""
        found = host.run(
            "cd /srv/metalserve/weights/large && find . -path '*.swarm*' -o -name '*.partial';"
            " ls -td */ | head -1 | xargs -I{} sh -c 'cd {} && sha256sum $(find . -type f)'"
        ).stdout
        wanted = {hashlib.sha256(content).hexdigest() for content in files.values()}
        return {line.split()[0] for line in found.splitlines()} == wanted


@pytest.fixture(scope="module")
def fleet(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts of their own, prepared, on slow links; a hub that counts what it sends."""
    own = Lab(f"{lab.name}s")
    try:
        own.up(HOSTS)
        site = fixtures.site(own.hosts, tmp_path_factory.mktemp("site"), wheels)
        site.more = f'spread=Spread(network="{own.network.subnet}")'
        site.imports = f"import sys\n\nsys.path.insert(0, {str(site.folder)!r})\nimport large"
        with Hub(Repository(REPO), address=own.network.gateway) as hub:
            made = Fleet(site, hub)
            made.want(FIRST)
            done = site.run("prepare")
            assert done.code == 0, done.said
            for host in own.hosts:
                host.shape(MBIT)
            yield made
    finally:
        own.destroy()


def test_asked_of_the_hub_once(fleet: Fleet) -> None:
    done = fleet.stage()
    assert done.code == 0, done.said
    assert all(fleet.whole(host, FIRST) for host in fleet.hosts)
    assert fleet.sent() == sum(len(content) for content in FIRST.values())
    assert done.said.count("large: brought from the other hosts and verified in") == HOSTS - 1
    assert "to the other hosts" in done.said
    for host in fleet.hosts:
        assert host.run("systemctl list-units --plain --no-legend 'metalserve-job-*'").stdout == ""
        assert host.run("ss -Hltn 'sport = :29650'").stdout == ""
        assert host.run("grep -rl 'PRIVATE KEY' /var/lib/metalserve /srv /tmp").stdout == ""


def test_done_is_done(fleet: Fleet) -> None:
    before = fleet.sent()
    done = fleet.stage()
    assert done.code == 0, done.said
    assert fleet.sent() == before
    assert changes(done.report) == []


def test_late_host_gets_it_from_the_others_while_the_hub_is_gone(fleet: Fleet) -> None:
    late = fleet.hosts[2]
    late.run("rm -rf /srv/metalserve/weights/large /var/lib/metalserve/receipts/weights-large-*")
    before = fleet.sent()
    fleet.hub.mischief.answers = {path: [(503, {})] * 1000 for path in FIRST}
    done = fleet.stage()
    fleet.hub.mischief.answers = {}
    assert done.code == 0, done.said
    assert fleet.whole(late, FIRST)
    assert fleet.sent() == before
    assert done.said.count("large: given to the other hosts") == HOSTS - 1


def test_new_revision_moves_what_changed(fleet: Fleet) -> None:
    """One host loses its power in the middle: the run waits for it, and it goes on."""
    before = fleet.sent()
    fleet.want(SECOND)
    with fleet.site.start("stage") as run:
        assert comes(lambda: bool(fleet.taking("parts/2.dat")), every_s=0.05)
        lost = fleet.taking("parts/2.dat")[-1]
        lost.crash()
        lost.boot()
        lost.wait_ready()
        lost.shape(MBIT)
        said = "".join(run.communicate(timeout=AT_MOST_S))
    assert run.returncode == 0, said
    assert "connection lost; the job goes on there, connecting again" in said
    for host in fleet.hosts:
        assert fleet.whole(host, SECOND)
    assert fleet.sent() == before + SIZE
    # What did not change has two names.
    links = lost.run("stat -c %h /srv/metalserve/weights/large/*/parts/1.dat").stdout.split()
    assert links == ["2", "2"]


def test_flipped_byte_on_one_host_reaches_nobody(fleet: Fleet) -> None:
    """A host whose disk went wrong after it was verified, and one that needs the model."""
    wrong, late = fleet.hosts[1], fleet.hosts[2]
    flip = (
        "f=$(ls -td /srv/metalserve/weights/large/*/ | head -1)parts/2.dat; t=$(stat -c %y $f);"
        r" printf '\x5a' | dd of=$f bs=1 seek=1000000 conv=notrunc status=none; touch -d \"$t\" $f"
    )
    wrong.run(f'sh -c "{flip}"')
    late.run("rm -rf /srv/metalserve/weights/large /var/lib/metalserve/receipts/weights-large-*")
    done = fleet.stage()
    assert done.code == 0, done.said
    assert fleet.whole(late, SECOND)
