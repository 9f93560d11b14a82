"""A host comes, is put aside, goes without leaving anything, comes again, and is replaced."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost
from tests.lab import fixtures, listing
from tests.lab.gateway_site import EDGE, PORT, told
from tests.lab.load import Target
from tests.lab.site import Run, Site, changes
from tests.lab.waiting import comes

pytestmark = pytest.mark.lab

IMPORTS = f"""
_more = {{
    "agent": Agent(asked_every_s=1),
    "gateway": Gateway(
        address="0.0.0.0", port={PORT}, models=("canary",),
        clients=(Client(name="team-a", key=Secret(env="TEST_EDGE_KEY")),),
    ),
}}
_checks = tuple({{check.kind: check for check in canary.WEIGHTS.checks}}.values())
"""
WEIGHTS, AUDIT = "/srv/metalserve", "/var/log/metalserve"
ERASE = ("--data", "weights=erase", "--data", "audit=erase")


class Node(Site):
    """One host that serves, with a gateway and what answers it."""

    before: listing.Listing

    @property
    def host(self) -> LabHost:
        """The host."""
        return self.hosts[0]

    @property
    def target(self) -> Target:
        """What clients ask."""
        return Target(self.host.address, PORT, EDGE)

    def named(self, deploy: str, *words: str) -> Run:
        """Run a deploy for the host by its name."""
        return self.run(deploy, "--limit", self.host.name, *words)

    @property
    def left(self) -> list[str]:
        """What is other than before anything of ours came."""
        return listing.changed(self.before, listing.of(self.host))


@pytest.fixture(scope="module")
def node(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A host from a bare OS to serving; ``lab`` says whether there can be any."""
    own = Lab(f"{lab.name}nd")
    try:
        own.up(1)
        made = fixtures.site(own.hosts, tmp_path_factory.mktemp("node"), wheels)
        site = Node(hosts=own.hosts, folder=made.folder, stack=made.stack, packages=made.packages)
        site.environment["TEST_EDGE_KEY"] = EDGE
        site.imports, site.more = IMPORTS, "**_more"
        site.want("(_instance(address='0.0.0.0', checks=_checks),)")
        # A package of the distribution's is not ours to take away; as if it had been there before.
        done = site.host.run(
            "apt-get -q update && apt-get -qy --no-install-recommends install haproxy"
            " && systemctl disable --now haproxy",
            timeout_s=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        site.before = listing.of(site.host)
        added = site.named("main")
        assert added.code == 0, added.said
        yield site
    finally:
        own.destroy()


def _serves(node: Node) -> bool:
    return comes(lambda: not node.target.wrong(stream=False))


def test_it_was_added(node: Node) -> None:
    assert _serves(node)
    assert node.host.run("apt-mark showhold").stdout == "haproxy\n"
    assert f"{AUDIT}/audit.jsonl" in node.left


def test_quarantine_outlives_a_boot(node: Node) -> None:
    why = ("--data", "why=a fan is loud")
    assert told(node.host) == "up ready"
    done = node.named("quarantine", *why)
    assert done.code == 0, done.said
    assert "chat: in quarantine (a fan is loud); gateways notice within 2 s" in done.said
    assert changes(node.named("quarantine", *why).report) == []
    node.host.crash()
    node.host.start()
    assert comes(lambda: told(node.host) == "drain")
    assert comes(lambda: node.target.wrong(stream=False).startswith("503"))
    file = node.folder / "status.json"
    assert node.run("status", "--data", f"status={file}").code == 0
    ((one,),) = [host["instances"] for host in json.loads(file.read_text())["hosts"]]
    assert (one["state"], one["look"]) == ("look", ["in quarantine: a fan is loud"])
    done = node.named("quarantine", "--data", "quarantine=end")
    assert done.code == 0, done.said
    assert _serves(node)


def test_decommissioned_host(node: Node) -> None:
    done = node.named("decommission")
    assert done.code == 0, done.said
    assert "this host: chat drained and stopped; " in done.said
    stays = (f"{WEIGHTS}/weights: weights", f"{AUDIT}/audit.jsonl: who changed what")
    assert all(f"] {line}\n" in done.said for line in stays)
    outside = [path for path in node.left if not path.startswith((WEIGHTS, AUDIT))]
    assert outside == []
    assert [path for path in node.left if path.startswith(AUDIT)] == [AUDIT, f"{AUDIT}/audit.jsonl"]
    assert "model.safetensors" in " ".join(node.left)
    units = node.host.run("systemctl list-units --all --plain --no-legend 'metalserve*'").stdout
    assert (units, node.host.run("apt-mark showhold").stdout) == ("", "")
    again = node.named("decommission")
    assert (again.code, changes(again.report)) == (0, []), again.said
    assert "] nothing of it is here\n" in again.said
    assert all(f"] stays      {line}\n" in again.said for line in stays)
    erased = node.named("decommission", *ERASE)
    assert erased.code == 0, erased.said
    assert node.left == []


def test_wanted_again_and_killed_in_the_middle(node: Node) -> None:
    """It is brought back; then control machine and host are gone while it is taken away."""
    done = node.named("main")
    assert done.code == 0, done.said
    assert _serves(node)
    root = Path(node.host.disk.root)
    unit = root / "etc/systemd/system/metalserve-vllm@.service"
    with node.start("decommission", "--limit", node.host.name) as process:
        assert comes(lambda: not unit.exists(), every_s=0.005)
        node.host.crash()
        process.kill()
    assert (root / "var/lib/metalserve/lock.json").exists()
    assert (root / "opt/metalserve/hostside").is_symlink()
    node.host.start()
    done = node.named("decommission", *ERASE)
    assert done.code == 0, done.said
    assert node.left == []


def test_replaced_machine(node: Node, wheels: Path) -> None:
    """Another machine by the same name is refused until somebody says that it is the one."""
    host, known = node.host, Path(node.host.known_hosts)
    before = known.read_text()
    host.stop()
    host.remove()
    shutil.rmtree(host.disk.folder)
    (lab,) = [Lab(host.name.rpartition("-")[0])]
    lab.up(1)
    shutil.copytree(wheels, Path(host.disk.root) / fixtures.WHEELS.lstrip("/"))
    now = known.read_text()
    assert now != before
    known.write_text(before)
    refused = node.named("main")
    assert refused.code == 1
    assert "Host key for" in refused.said
    known.write_text(now)
    done = node.named("main")
    assert done.code == 0, done.said
    assert _serves(node)
