"""Releases on a host."""

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import Host, StringCommand, operation
from pyinfra.api.output import echo

from roles import instance as secrets_of
from roles import job, lock, probe
from roles.release import together
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
                f" it was left alone; to stop it: systemctl disable --now {seen['unit']}",
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
    others = together.others(host, release.instance)
    if serves(found, release=release, generation=generation) and all(map(_serves_too, others)):
        host.noop(f"{release.name} serves")
        return
    if absent := together.absent(host, release.instance):
        yield job.refusal(absent)
        return
    yield from lock.held()
    name = release.instance.name
    serving = _seen(found, name)["current"]
    forward = release.activation(serving=serving, generation=generation, who=lock.owner()["who"])
    script = together.script(host, release.instance)
    yield from job.commands(
        f"activate-{name}", script=script, python=release.spec.python, plan=forward
    )


@operation()
def previous_release(instance: Instance, python: str) -> job.Commands:
    """
    The release before the current one serves again.

    + instance: whose release; no version to name
    + python: the interpreter that runs our own code
    """
    found = probe.of(host)
    seen = _seen(found, instance.name)
    previous, bad = seen["previous"], seen["bad"]
    if found["instances"] is None:
        yield job.refusal(f"what {instance.name} runs is not known: {found['faults']}")
    elif not previous:
        before = f" before {seen['current']}" if seen["current"] else ""
        yield job.refusal(f"{instance.name} has no release{before}")
    elif previous in bad:
        yield job.refusal(f"{previous} is marked bad: {bad[previous]}")
    elif absent := together.absent(host, instance):
        yield job.refusal(absent)
    else:
        yield from lock.held()
        back = plan(
            instance,
            release=previous,
            serving=seen["current"],
            generation=None,
            who=lock.owner()["who"],
        )
        script = together.script(host, instance)
        yield from job.commands(
            f"activate-{instance.name}", script=script, python=python, plan=back
        )


def serves(found: dict[str, Any], *, release: Release, generation: str) -> bool:
    """Say whether a release serves, as the probe saw it."""
    seen = _seen(found, release.instance.name)
    return seen["current"] == release.name and (
        seen["secrets"] == generation
        and seen["active"]
        and seen["transaction"]["outcome"] is not None
    )


def _serves_too(other: tuple[Host, Release]) -> bool:
    """Say whether another host of the same instance serves what it should."""
    there, release = other
    found = probe.of(there)
    return serves(found, release=release, generation=_secrets(release, found, there)["generation"])


def _seen(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the probe saw of an instance."""
    instances: dict[str, Any] = found["instances"] or {}
    seen: dict[str, Any] = instances.get(name) or {"current": None, "previous": None, "bad": {}}
    return seen


def _secrets(release: Release, found: dict[str, Any], there: Host | None = None) -> dict[str, Any]:
    """Return what a host is told; nothing where nobody asks it."""
    instance = release.instance
    if instance.rank((there or host).name):
        instance = instance.model_copy(update={"api_key": None})
    return secrets_of.generation(instance, machine_id=str(found["system"]["machine_id"]))
