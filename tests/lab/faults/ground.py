"""Three lab hosts: two that serve the stand-in engine, and a gateway before them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.lab import Lab, LabHost
from roles.lab.command import run, wait
from tests.lab import fixtures
from tests.lab.faults.injection import Injection
from tests.lab.faults.starter import Starter
from tests.lab.faults.trial import PLACE, Trial, TrialError
from tests.lab.gateway_site import EDGE
from tests.lab.gateway_site import Site as Gateway
from tests.lab.site import STANDIN, Site

NAME = "faults"
_CLOCK = "usr/lib/fault_clock.so"
_ON_HOST = Path(__file__).with_name("on_host")
_PACKAGES = "usr/local/lib/python3.11/dist-packages"
_IMPORTS = """
def _one_of_each():
    found = {check.kind: check for check in canary.WEIGHTS.checks}
    return tuple(check.model_copy(update={"within_s": 3}) for check in found.values())

_shared = dict(address="0.0.0.0", checks=_one_of_each(), drain_within_s=3)
"""


class _Fleet(Gateway):
    """The hosts before and after the gateway's in the inventory serve."""

    def want(self, *instances: str) -> None:
        """Say what those serve."""
        super().want(*instances[:2], "()", *instances[2:])


@dataclass
class _Site(Site):
    """Its runs begin at once."""

    starter: Starter | None = None

    def start(self, deploy: str, *words: str) -> Any:
        """Start pyinfra and return at once."""
        assert self.starter
        environment = {**os.environ, "PYINFRA_PROGRESS": "off", **self.environment}
        named = ["-y", *words, str(self.inventory), f"deploy/{deploy}.py"]
        return self.starter.start(named, environment)


class Ground:
    """
    Where trials are held.

    :param lab: of three hosts, or of five, on which twice as much is done at a time
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.starter = Starter(folder / "runs")
        self.known: dict[str, dict[str, Any]] = {}
        self.fleet = _Fleet(
            hosts=lab.hosts,
            folder=folder,
            stack=STANDIN.format(lock=str(folder / "wheels/lock.txt")),
            packages=f"Packages(folder={fixtures.WHEELS!r})",
        )
        self.fleet.environment["TEST_EDGE_KEY"] = EDGE
        hosts = [host for host in lab.hosts if host != self.fleet.gateway]
        self.single = [self._site(host.name, host) for host in hosts]
        pairs = zip(hosts[::2], hosts[1::2], strict=True)
        self.triple = [self._site("three", *hosts[:3])] if len(hosts) > 2 else []
        self.double = [self._site(f"{a.name}-and-{b.name}", a, b) for a, b in pairs]

    def begin(self) -> None:
        """Have all serve, and the gateway before them."""
        fixtures.wheels(self.fleet.folder / "wheels")
        library = self._clock()
        for host in self.fleet.hosts:
            shutil.copy(library, host.disk.root / _CLOCK)
            (host.disk.root / "etc/ld.so.preload").write_text(f"/{_CLOCK}\n")
            # From its first process on.
            host.crash()
            host.start()
            wheels = host.disk.root / fixtures.WHEELS.lstrip("/")
            shutil.copytree(self.fleet.folder / "wheels", wheels)
        self.fleet.serve(*[1] * len(self.single))
        self._done("main", self.fleet)
        for host in [site.hosts[0] for site in self.single]:
            _put_scripts(host)
            if host.run("apt-get -qq update && apt-get -qq install -y libfaketime").returncode:
                raise TrialError(f"{host.name}: libfaketime cannot be installed")

    def resume(self) -> None:
        """Go on where the run before left the hosts."""
        self.fleet.serve(*[1] * len(self.single))
        for site in self.single:
            shutil.rmtree(site.hosts[0].disk.root / PLACE)
            _put_scripts(site.hosts[0])

    def restore(self, site: Site) -> None:
        """Have hosts serve again that a trial left in ruins."""
        blank = Injection(name="restore", what="", does=lambda trial: None)
        for host in site.hosts:
            self.known.pop(host.name, None)
            host.feed()
            host.crash()
            host.mend()
            host.start()
            shutil.rmtree(host.disk.root / PLACE)
            _put_scripts(host)
            host.disk.root.joinpath("var/lib/metalserve/lock.json").unlink(missing_ok=True)
        Trial(blank, site).want()
        if site.run("main", within_s=1800).code:
            for host in site.hosts:
                fixtures.strip(host)
            self._done("main", site)

    def in_rotation(self, host: LabHost) -> bool:
        """Say whether the gateway comes to send a host requests again."""
        name = f"{host.name}:chat"
        return wait(lambda: self.fleet.in_rotation().get(name) == "UP", within_s=15, every_s=1)

    def _site(self, name: str, *hosts: LabHost) -> Site:
        folder = self.fleet.folder / name
        folder.mkdir(exist_ok=True)
        return _Site(
            starter=self.starter,
            hosts=[*hosts],
            folder=folder,
            stack=self.fleet.stack,
            packages=self.fleet.packages,
            imports=_IMPORTS,
            more="agent=Agent(asked_every_s=1)",
            ready_within_s=20,
        )

    def _clock(self) -> Path:
        """Compile what is between a host's processes and the clock; hosts have no compiler."""
        library, source = self.fleet.folder / "clock.so", _ON_HOST / "fault_clock.c"
        run("gcc", "-Wall", "-Werror", "-O2", "-shared", "-fPIC", "-o", library, source)
        return library

    @staticmethod
    def _done(deploy: str, site: Site) -> None:
        done = site.run(deploy, within_s=1800)
        if done.code:
            raise TrialError(f"{deploy} failed: {done.said}")


def _put_scripts(host: LabHost) -> None:
    shutil.copytree(_ON_HOST, host.disk.root / PLACE, dirs_exist_ok=True)
    packages = host.disk.root / _PACKAGES
    packages.mkdir(parents=True, exist_ok=True)
    shutil.copy(_ON_HOST / "fault_pause.py", packages)
    (packages / "fault_pause.pth").write_text("import fault_pause\n")
