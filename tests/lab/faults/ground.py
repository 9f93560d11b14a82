"""Three lab hosts: two that serve the stand-in engine, and a gateway before them."""

from __future__ import annotations

import shutil
from pathlib import Path

from roles.lab import Lab, LabHost
from roles.lab.command import wait
from tests.lab import fixtures
from tests.lab.faults.injection import Injection
from tests.lab.faults.trial import PLACE, Trial, TrialError
from tests.lab.gateway_site import EDGE
from tests.lab.gateway_site import Site as Gateway
from tests.lab.site import Site

NAME = "faults"
_PACKAGES = "usr/local/lib/python3.11/dist-packages"
_IMPORTS = """
def _one_of_each():
    found = {check.kind: check for check in canary.WEIGHTS.checks}
    return tuple(check.model_copy(update={"within_s": 3}) for check in found.values())

_shared = dict(address="0.0.0.0", checks=_one_of_each(), drain_within_s=3)
"""


class Ground:
    """Where trials are held."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        carried = fixtures.wheels(folder / "wheels")
        made = fixtures.site(lab.hosts, folder / "gateway", carried)
        self.gateway = Gateway(
            hosts=lab.hosts, folder=made.folder, stack=made.stack, packages=made.packages
        )
        self.gateway.environment["TEST_EDGE_KEY"] = EDGE
        self.hosts = lab.hosts[:2]
        for host in self.hosts:
            _put_scripts(host)
        self.both = self._site(folder / "both", self.hosts)
        self.single = [self._site(folder / host.name, [host]) for host in self.hosts]

    def begin(self) -> None:
        """Have both serve, and the gateway before them."""
        self.gateway.serve(1, 1)
        self._done("main", self.gateway)
        for host in self.hosts:
            if host.run("apt-get -qq update && apt-get -qq install -y libfaketime").returncode:
                raise TrialError(f"{host.name}: libfaketime cannot be installed")

    def restore(self, site: Site) -> None:
        """Have hosts serve again that a trial left in ruins."""
        blank = Injection(name="restore", what="", does=lambda trial: None)
        for host in site.hosts:
            host.feed()
            host.crash()
            host.mend()
            host.start()
            shutil.rmtree(host.disk.root / PLACE)
            _put_scripts(host)
            host.disk.root.joinpath("var/lib/metalserve/lock.json").unlink(missing_ok=True)
        Trial(blank, site).want()
        if site.run("main").code:
            for host in site.hosts:
                fixtures.strip(host)
            self._done("main", site)

    def in_rotation(self, host: LabHost) -> bool:
        """Say whether the gateway comes to send a host requests again."""
        name = f"{host.name}:chat"
        return wait(lambda: self.gateway.in_rotation().get(name) == "UP", within_s=15, every_s=1)

    def _site(self, folder: Path, hosts: list[LabHost]) -> Site:
        folder.mkdir()
        return Site(
            hosts=hosts,
            folder=folder,
            stack=self.gateway.stack,
            packages=self.gateway.packages,
            imports=_IMPORTS,
            more="agent=Agent(asked_every_s=1)",
            ready_within_s=10,
        )

    @staticmethod
    def _done(deploy: str, site: Site) -> None:
        done = site.run(deploy)
        if done.code:
            raise TrialError(f"{deploy} failed: {done.said}")


def _put_scripts(host: LabHost) -> None:
    here = Path(__file__).with_name("on_host")
    shutil.copytree(here, host.disk.root / PLACE, dirs_exist_ok=True)
    packages = host.disk.root / _PACKAGES
    packages.mkdir(parents=True, exist_ok=True)
    shutil.copy(here / "fault_pause.py", packages)
    (packages / "fault_pause.pth").write_text("import fault_pause\n")
