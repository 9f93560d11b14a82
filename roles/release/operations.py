"""Releases on a host."""

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation
from pyinfra.api.output import echo

from roles import instance as secrets_of
from roles import job, lock, probe
from roles.release import before
from roles.release.before import Wish
from roles.release.release import Release, plan
from roles.spec import Instance


@operation()
def laid_out_release(release: Release) -> Generator[StringCommand, None, None]:
    """
    The release is staged whole: links, rendered files, questions, secrets.

    + release: what to lay out; the serving release is not touched
    """
    found = probe.of(host)
    secrets = _secrets(release, found)
    phase, digest = f"stage-{release.instance.name}", release.staged(secrets["generation"])
    if probe.holds(host, phase=phase, digest=digest):
        host.noop(f"{release.name} is staged")
        return
    yield from lock.held()
    yield job.script("stage", python=release.spec.python, given=release.staging(secrets=secrets))


@operation()
def known_instances(wanted: list[str]) -> Generator[StringCommand, None, None]:
    """
    What serves beside the spec is told, and left alone.

    + wanted: names of the instances that the host should have
    """
    instances: dict[str, Any] = probe.of(host)["instances"] or {}
    for name, seen in instances.items():
        if name not in wanted and seen["current"]:
            said = "serves" if seen["active"] else "is there"
            echo(
                f"{host.print_prefix}{name} {said} ({seen['current']}) and is not in the spec, so"
                f" it was left alone; to remove it: deploy/decommission.py --limit {host.name}"
                f" --data instance={name}",
                err=True,
            )
    host.noop("what is not in the spec is left alone")
    yield from ()


@operation()
def serving_release(release: Release) -> job.Commands:
    """
    The release serves and has answered its questions; or what served before serves again.

    + release: what to switch to; staged
    """
    found = probe.of(host)
    generation = _secrets(release, found)["generation"]
    if serves(found, release=release, generation=generation):
        host.noop(f"{release.name} serves")
        return
    yield from lock.held()
    name = release.instance.name
    serving = _seen(found, name)["current"]
    forward = release.activation(serving=serving, generation=generation, who=lock.owner()["who"])
    yield from job.commands(
        f"activate-{name}", script="activate", python=release.spec.python, plan=forward
    )


@operation()
def release_before(instance: Instance, python: str, wish: Wish) -> job.Commands:
    """
    The release that served before the current one serves again.

    + instance: whose release; no version to name
    + python: the interpreter that runs our own code
    + wish: what the operator said of where to go back from, and to
    """
    way = before.way(instance, probe.of(host), wish)
    if way.refused:
        yield job.refusal(way.refused)
    elif not way.to:
        host.noop(way.stays)
    else:
        yield from lock.held()
        back = plan(
            instance,
            release=way.to,
            serving=way.serving,
            generation=None,
            who=lock.owner()["who"],
        )
        yield from job.commands(
            f"activate-{instance.name}", script="activate", python=python, plan=back
        )


def serves(found: dict[str, Any], *, release: Release, generation: str) -> bool:
    """Say whether a release serves, as the probe saw it."""
    seen = _seen(found, release.instance.name)
    return seen["current"] == release.name and (
        seen["secrets"] == generation
        and seen["active"]
        and seen["transaction"]["outcome"] is not None
    )


def _seen(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the probe saw of an instance."""
    instances: dict[str, Any] = found["instances"] or {}
    seen: dict[str, Any] = instances.get(name) or {"current": None}
    return seen


def _secrets(release: Release, found: dict[str, Any]) -> dict[str, Any]:
    return secrets_of.generation(release.instance, machine_id=str(found["system"]["machine_id"]))
