"""Instances on their way from one release to another, and back."""

from dataclasses import dataclass, replace
from typing import Any

from pyinfra.api import Host

from roles import instance as secrets_of
from roles import job, lock, probe
from roles.release import together
from roles.release.before import EVERY, Wish, way
from roles.release.release import Release, plan
from roles.spec import Instance

Found = dict[str, Any]

# Gateways send it nothing then.
_OUT = (None, "broken")


@dataclass(frozen=True)
class Move:
    """
    One instance that is to come to a release.

    :param serving: the release that is current; ``None`` when there is none
    :param generation: of the secrets that it comes with; ``None`` leaves them as they are
    :param interrupts: the model that one instance fewer serves meanwhile; ``None`` when this one
        does not serve now
    :param brings: the model that clients get from it then; ``None`` when another answers for it
    :param failed: why the release is marked bad there; empty when it is not
    :param renewed: whether it comes with other secrets than it has
    :param script: what the host's job runs: of hosts that serve it together one decides, the others
        follow
    """

    instance: Instance
    release: str
    serving: str | None
    generation: str | None = None
    interrupts: str | None = None
    brings: str | None = None
    failed: str = ""
    renewed: bool = False
    script: str = "activate"

    @property
    def back(self) -> "Move | None":
        """The same the other way, once this one was made; ``None`` when nothing was before."""
        if self.serving in (None, self.release):
            return None
        return replace(
            self,
            release=self.serving,
            serving=self.release,
            generation=None,
            interrupts=self.brings,
            brings=self.interrupts or self.brings,
            failed="",
            renewed=False,
        )

    def commands(self, *, python: str) -> job.Commands:
        """Yield what makes it, as one transaction on the host."""
        name = self.instance.name
        given = plan(
            self.instance,
            release=self.release,
            serving=self.serving,
            generation=self.generation,
            who=lock.owner()["who"],
        )
        yield from job.commands(f"activate-{name}", script=self.script, python=python, plan=given)


def forward(host: Host) -> list[Move]:
    """
    Return what has to be done until each instance of a host serves its release.

    :raises LookupError: there is no way, and why
    """
    spec = host.data.spec
    return [
        _move(host, one, Release(spec=spec, instance=one).name, secrets(host, one)["generation"])
        for one in spec.instances
        if not _all_serve(host, one)
    ]


def backward(host: Host, wish: Wish = EVERY) -> list[Move]:
    """
    Return what has to be done until each instance of a host serves the release before.

    :raises LookupError: there is no way back, and why
    """
    ways = [(one, way(one, probe.of(host), wish)) for one in host.data.spec.instances]
    if refused := [back.refused for _, back in ways if back.refused]:
        raise LookupError("; ".join(refused))
    return [_move(host, one, back.to, None) for one, back in ways if back.to]


def _move(host: Host, one: Instance, release: str, generation: str | None) -> Move:
    if absent := together.absent(host, one):
        raise LookupError(absent)
    answers = one.rank(host.name) == 0
    known = seen(probe.of(host), one.name)
    return Move(
        instance=one,
        release=release,
        serving=known["current"],
        generation=generation,
        interrupts=served(host).get(one.name),
        brings=one.served_as if answers else None,
        failed=(known.get("bad") or {}).get(release) or "",
        renewed=bool(generation and known.get("secrets") not in (None, generation)),
        script="activate" if answers else "follow",
    )


def _all_serve(host: Host, one: Instance) -> bool:
    """Say whether an instance serves its release on each host that serves it with this one."""
    return all(
        serves(
            probe.of(each),
            release=Release(spec=each.data.spec, instance=one),
            generation=secrets(each, one)["generation"],
        )
        for each in (host, *together.others(host, one))
    )


def serves(found: Found, *, release: Release, generation: str) -> bool:
    """Say whether a release serves, as the probe saw it."""
    known = seen(found, release.instance.name)
    return known["current"] == release.name and (
        known["secrets"] == generation
        and known["active"]
        and known["transaction"]["outcome"] is not None
    )


def served(host: Host) -> dict[str, str]:
    """Return the model of each instance that clients get answers from, by the instance's name."""
    follows = {one.name for one in host.data.spec.instances if one.rank(host.name)}
    return {
        name: str((one["about"] or {}).get("model") or name)
        for name, one in (probe.of(host)["instances"] or {}).items()
        if one["active"] and not one.get("out") and one["transaction"]["outcome"] not in _OUT
        if name not in follows
    }


def seen(found: Found, name: str) -> Found:
    """Return what the probe saw of an instance."""
    instances: Found = found["instances"] or {}
    known: Found = instances.get(name) or {"current": None}
    return known


def secrets(host: Host, one: Instance) -> dict[str, Any]:
    """Return the secrets of an instance for a host; none where nobody asks it."""
    if one.rank(host.name):
        one = one.model_copy(update={"api_key": None})
    return secrets_of.generation(one, machine_id=str(probe.of(host)["system"]["machine_id"]))
