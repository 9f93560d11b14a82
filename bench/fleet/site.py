"""The fleet: hosts of a lab that serve, gateways before them, and an operator."""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.fleet import heard, wanted
from bench.fleet.load import Client
from bench.fleet.turns import Turn, began, turn
from bench.hosts import fresh
from roles.lab import Lab, LabError, LabHost
from roles.lab.command import wait
from tests.lab import fixtures, gateway_site
from tests.lab.site import Run, connections, current
from tests.lab.site import Site as Plain

_NAMES = tuple(f"client-{number}" for number in range(1, 9))
_INVENTORY = """\
from pathlib import Path

from bench.fleet import wanted

hosts = wanted.hosts(Path({file!r}))
"""


@dataclass
class Site(Plain):
    """An operator's view of the fleet."""

    serving: list[LabHost] = field(default_factory=list)
    gateways: list[LabHost] = field(default_factory=list)
    lock: str = ""
    proxy: str = ""

    def serve(self, release: str) -> None:
        """Say which release every host should serve."""
        told = {
            "release": release,
            "real": self.real.name,
            "serving": [host.name for host in self.serving],
            "gateways": [host.name for host in self.gateways],
            "clients": _NAMES,
            "connections": connections(self.hosts),
            "lock": self.lock,
            "proxy": self.proxy,
        }
        file = self.folder / "wanted.json"
        file.write_text(json.dumps(told))
        self.inventory.write_text(_INVENTORY.format(file=str(file)))

    def did(self, deploy: str, *words: str) -> Run:
        """Run a deploy that has to succeed."""
        done = self.run(deploy, *words, within_s=1800)
        if done.code:
            raise LabError(f"deploy/{deploy}.py ended with {done.code}:\n{done.said}")
        return done

    @property
    def real(self) -> LabHost:
        """The one with the real engine."""
        return self.serving[-1]

    @property
    def clients(self) -> list[Client]:
        """Who asks: half of them streamed, and as many by each gateway."""
        gateways = self.gateways
        return [
            Client(
                name=name,
                key=self.environment[wanted.client_key(name)],
                url=f"http://{gateways[number % len(gateways)].address}:{wanted.PORT}/v1",
                model=wanted.MODEL,
                stream=number // len(gateways) % 2 == 1,
            )
            for number, name in enumerate(_NAMES)
        ]

    @property
    def releases(self) -> dict[str, str]:
        """What is current on each host that serves."""
        return {host.name: current(host, wanted.INSTANCE) for host in self.serving}

    def all_up(self) -> bool:
        """Say whether every gateway sends every host requests."""
        names = {f"{host.name}:{wanted.INSTANCE}": "UP" for host in self.serving}
        return all(gateway_site.in_rotation(gateway) == names for gateway in self.gateways)

    def wait_up(self, within_s: float = 120) -> None:
        """Wait until every gateway sends every host requests."""
        if not wait(self.all_up, within_s=within_s, every_s=0.5):
            seen = {one.name: gateway_site.in_rotation(one) for one in self.gateways}
            raise LabError(f"not every host is in rotation within {within_s:g} s: {seen}")

    def requests(self, since: float) -> list[heard.Line]:
        """Return the requests that the gateways tell of."""
        command = heard.COMMAND.format(int(since))
        said = [gateway.run(command).stdout for gateway in self.gateways]
        return sorted((line for one in said for line in heard.lines(one)), key=lambda it: it.at)

    def turns(self, since: float, lines: list[heard.Line]) -> list[Turn]:
        """Return the turn of each host that had one since a time."""
        journals = {host.name: journal(host) for host in self.serving}
        late = {name: found for name, found in journals.items() if began(found) >= int(since)}
        return [turn(name, found, lines) for name, found in late.items()]


def journal(host: LabHost) -> dict[str, Any]:
    """Return the journal of the last activation of a host, from its disk."""
    file = f"var/lib/metalserve/transactions/{wanted.INSTANCE}.json"
    return dict(json.loads((Path(host.disk.root) / file).read_text()))


@contextmanager
def fleet(serving: int, gateways: int) -> Iterator[Site]:
    """Hosts that are gone with it afterwards."""
    lab = Lab("fleet")
    with fresh(lab, serving + gateways) as folder:
        yield _site(lab, serving, folder)


def _site(lab: Lab, serving: int, folder: Path) -> Site:
    wheels = fixtures.wheels(folder / "wheels")
    site = Site(
        hosts=lab.hosts,
        folder=folder,
        stack="",
        packages="",
        serving=lab.hosts[:serving],
        gateways=lab.hosts[serving:],
        lock=str(wheels / "lock.txt"),
        proxy=lab.proxy.url,
    )
    for host in site.hosts:
        if host != site.real:
            shutil.copytree(wheels, Path(host.disk.root) / wanted.WHEELS.lstrip("/"))
    keys = [wanted.KEY, *map(wanted.client_key, _NAMES)]
    site.environment = {key: f"sk-{secrets.token_urlsafe(24)}" for key in keys}
    return site
