"""Releases on a host."""

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation
from pyinfra.api.output import echo

from roles import job, lock, probe
from roles.release import moves
from roles.release.release import Release


@operation()
def laid_out_release(release: Release) -> job.Commands:
    """
    The release is staged whole: links, rendered files, questions, secrets.

    + release: what to lay out; the serving release is not touched
    """
    secrets = moves.secrets(host, release.instance)
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
