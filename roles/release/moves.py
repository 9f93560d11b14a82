"""Instances on their way from one release to another, and back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from roles import instance as secrets_of
from roles import job, lock
from roles.release.before import EVERY, Wish, way
from roles.release.release import Release, plan
from roles.spec import HostSpec, Instance

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
    """

    instance: Instance
    release: str
    serving: str | None
    generation: str | None = None
    interrupts: str | None = None

    @property
    def back(self) -> "Move | None":
        """The same the other way, once this one was made; ``None`` when nothing was before."""
        if self.serving in (None, self.release):
            return None
        model = self.instance.served_as
        return replace(
            self, release=self.serving, serving=self.release, generation=None, interrupts=model
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
        yield from job.commands(f"activate-{name}", script="activate", python=python, plan=given)


def forward(spec: HostSpec, found: Found) -> list[Move]:
    """Return what has to be done until each instance of a host serves its release."""
    return list(_forward(spec, found))


def _forward(spec: HostSpec, found: Found) -> Iterator[Move]:
    for one in spec.instances:
        release = Release(spec=spec, instance=one)
        generation = secrets(one, found)["generation"]
        if not serves(found, release=release, generation=generation):
            current = seen(found, one.name)["current"]
            yield Move(one, release.name, current, generation, served(found).get(one.name))


def backward(spec: HostSpec, found: Found, wish: Wish = EVERY) -> list[Move]:
    """
    Return what has to be done until each instance of a host serves the release before.

    :raises LookupError: there is no way back, and why
    """
    ways = [(one, way(one, found, wish)) for one in spec.instances]
    if refused := [back.refused for _, back in ways if back.refused]:
        raise LookupError("; ".join(refused))
    return [
        Move(one, back.to, back.serving, None, served(found).get(one.name))
        for one, back in ways
        if back.to
    ]


def serves(found: Found, *, release: Release, generation: str) -> bool:
    """Say whether a release serves, as the probe saw it."""
    known = seen(found, release.instance.name)
    return known["current"] == release.name and (
        known["secrets"] == generation
        and known["active"]
        and known["transaction"]["outcome"] is not None
    )


def served(found: Found) -> dict[str, str]:
    """Return the model of each instance that clients get answers from, by the instance's name."""
    return {
        name: str((one["about"] or {}).get("model") or name)
        for name, one in (found["instances"] or {}).items()
        if one["active"] and not one.get("out") and one["transaction"]["outcome"] not in _OUT
    }


def seen(found: Found, name: str) -> Found:
    """Return what the probe saw of an instance."""
    instances: Found = found["instances"] or {}
    known: Found = instances.get(name) or {"current": None}
    return known


def secrets(one: Instance, found: Found) -> dict[str, Any]:
    """Return the secrets of an instance for a host."""
    return secrets_of.generation(one, machine_id=str(found["system"]["machine_id"]))
