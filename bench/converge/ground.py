"""The hosts that are converged, and how far away they are."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.converge import wanted
from bench.converge.gauge import Measured, measured
from bench.converge.site import Site
from bench.converge.tools import FLOOR, Run, Tool, known, refuse_wrong
from roles.lab import Lab, LabError, LabHost
from roles.lab.command import wait
from roles.lab.delay import round_trip_ms
from tests.lab import fixtures

_LAB = "converge"
_OFF_MS = 5


@dataclass(frozen=True)
class Ground:
    """Hosts of a lab that metalserve has brought to their spec."""

    lab: Lab
    folder: Path
    lock: Path

    def site(self, count: int) -> Site:
        """Return so many names of the hosts."""
        key = (self.lab.folder / "api-key").read_text().strip()
        folder = self.folder / f"{count}"
        return Site(self.lab.hosts, count, folder=folder, lock=self.lock, key=key)

    def near(self) -> None:
        """Have every host as near as it is."""
        for host in self.lab.hosts:
            host.mend()

    def put(self, rtt_ms: int) -> None:
        """Put every host so far away, and refuse one that is not there."""
        self.near()
        for host in self.lab.hosts:
            if rtt_ms:
                host.delay(rtt_ms)
            if not wait(partial(_is_away, host, rtt_ms), within_s=60):
                seen = round_trip_ms(host.address)
                raise LabError(f"{host.name}: {seen:.1f} ms away, {rtt_ms} are right")


def _is_away(host: LabHost, rtt_ms: int) -> bool:
    return rtt_ms <= round_trip_ms(host.address) <= rtt_ms + _OFF_MS


@contextmanager
def ground(count: int, *, keep: bool) -> Iterator[Ground]:
    """So many hosts at least; they are gone with it afterwards unless they are to be kept."""
    lab = Lab(_LAB)
    try:
        lab.up(count)
        with TemporaryDirectory() as made:
            wheels = fixtures.wheels(Path(made) / "wheels")
            found = Ground(lab, Path(made), wheels / "lock.txt")
            found.put(0)
            for host in lab.hosts:
                target = Path(host.disk.root) / wanted.WHEELS.lstrip("/")
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(wheels, target)
            bring(found.site(len(lab.hosts)))
            try:
                yield found
            finally:
                found.near()
    finally:
        if not keep:
            lab.destroy()


def ready(lab: Ground, site: Site, run: Run) -> None:
    """Have hosts as a run is to find them; what a first one undoes, each does before its own."""
    if run is Run.NO_CHANGE:
        site.do()
        site.check()
        bring(lab.site(len(site.hosts)))


def once(site: Site, run: Run, tool: Tool) -> Measured:
    """Have a tool do its job, and refuse what is not as it should be then."""
    does = run is not Run.NO_CHANGE and tool.name != FLOOR
    if does:
        site.undo()
    done = _start(site, run, tool)
    refuse_wrong(tool, run, list(site.jobs), done)
    if does:
        site.check(ours=tool.name == "metalserve")
    return done


def bring(site: Site) -> None:
    """Have metalserve bring every host to its spec, be there something to change or not."""
    done = _start(site, Run.SERVING, known()["metalserve"])
    if done.code:
        raise LabError(f"deploy/main.py ended with {done.code}:\n{done.out}{done.err}")


def _start(site: Site, run: Run, tool: Tool) -> Measured:
    command = tool.command(site, run)
    environment = site.environment | command.environment
    return measured(command.words, environment=environment, folder=command.folder)
