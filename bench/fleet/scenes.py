"""What is done to the fleet while its clients ask, and what has to be true afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import time

from bench.fleet import wanted
from bench.fleet.site import Site, journal
from roles.lab import LabError, LabHost
from roles.lab.command import wait

_WITHIN_S = 1800
# The connections that a gateway has to a host without power are given up after 25 s.
_NOTICED_S = 35


@dataclass
class Came:
    """What a scene came to: all that is not as it should be, and which host died, and when."""

    wrong: list[str] = field(default_factory=list)
    dead: str = ""
    died: float = 0.0

    def must(self, holds: bool, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(otherwise)


def upgrade(site: Site) -> Came:
    """Every host goes from the old release to the new one."""
    came, before = Came(), site.releases
    site.serve(wanted.NEW)
    done = site.run("upgrade", within_s=_WITHIN_S)
    came.must(done.code == 0, f"deploy/upgrade.py ended with {done.code}:\n{done.said}")
    after = site.releases
    for name, release in before.items():
        came.must(after[name] != release, f"{name} still serves {release}")
    return came


def roll_back(site: Site) -> Came:
    """Every host goes back to the release before."""
    came = Came()
    before = {host.name: journal(host)["before"]["release"] for host in site.serving}
    # Two stacks serve the model, so that it has to be said that both are to be left.
    leave = ",".join(sorted(set(site.releases.values())))
    done = site.run("rollback", "--data", f"leave={leave}", within_s=_WITHIN_S)
    came.must(done.code == 0, f"deploy/rollback.py ended with {done.code}:\n{done.said}")
    for name, release in site.releases.items():
        came.must(release == before[name], f"{name} serves {release}, not {before[name]}")
    return came


def bad_release(site: Site) -> Came:
    """A release that answers wrong comes no further than the first wave."""
    came, before = Came(), site.releases
    journals = {host.name: journal(host) for host in site.serving}
    site.serve(wanted.BAD)
    done = site.run("upgrade", within_s=_WITHIN_S)
    came.must(done.code == 1, f"deploy/upgrade.py ended with {done.code}, not 1:\n{done.said}")
    came.must(site.releases == before, f"not what served before: {site.releases}, {before}")
    tried = [host.name for host in site.serving if journal(host) != journals[host.name]]
    came.must(
        len(tried) == 1, f"tried on {', '.join(tried) or 'no host'}, not on one:\n{done.said}"
    )
    return came


def power_lost(site: Site) -> Came:
    """A host loses power while its activation drains it; the run is resumed when it has booted."""
    came, before = Came(), site.releases
    seen = {host.name: journal(host)["began"] for host in site.serving}
    site.serve(wanted.NEW)
    with site.start("upgrade") as run:
        victim = _draining(site, seen)
        # Nothing that would say goodbye for it is heard.
        victim.cut()
        came.dead, came.died = victim.name, time()
        victim.crash()
        wait(lambda: run.poll() is not None, within_s=_NOTICED_S)
        victim.mend()
        victim.start()
        out, err = run.communicate(timeout=_WITHIN_S)
    came.must(run.returncode == 1, f"the run ended with {run.returncode}, not 1:\n{out}{err}")
    restored = journal(victim)["outcome"]
    came.must(restored == "restored at boot", f"{victim.name}'s activation is {restored!r}")
    serves = site.releases[victim.name]
    came.must(serves == before[victim.name], f"{victim.name} serves {serves} after its boot")
    again = site.run("upgrade", within_s=_WITHIN_S)
    came.must(again.code == 0, f"resumed, it ended with {again.code}:\n{again.said}")
    for name, release in site.releases.items():
        came.must(release != before[name], f"{name} still serves {release}")
    return came


def _draining(site: Site, seen: dict[str, str]) -> LabHost:
    """Wait until a host with the stand-in is being drained, but the first one that is."""
    standins = [host for host in site.serving if host != site.real]

    def begun() -> list[LabHost]:
        return [host for host in standins if journal(host)["began"] != seen[host.name]]

    found: list[LabHost] = []

    def draining() -> bool:
        last = {host: journal(host)["steps"][-1]["step"] for host in begun()}
        found[:] = [host for host, step in last.items() if step == "drain"]
        return len(last) > 1 and bool(found)

    if not wait(draining, within_s=_WITHIN_S):
        raise LabError("no host but the first was drained")
    return found[0]


Scene = Callable[[Site], Came]

SCENES: dict[str, Scene] = {
    "upgrade": upgrade,
    "rollback": roll_back,
    "bad release": bad_release,
    "power lost": power_lost,
}
