"""Look after what lies on hosts."""

import json
from typing import Any

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.api.output import echo

from roles import base, job, probe
from roles.care import facts, operations, plan
from roles.spec import HostSpec


@deploy("Verify weights")
def verify_weights(spec: HostSpec) -> None:
    """Hash every file of the weights that the spec names again."""
    base.prepare(spec=spec)
    operations.right_weights(name="Hash all weights", wanted=spec)


@deploy("Prune")
def show_unneeded(spec: HostSpec) -> None:
    """Tell what of ours nothing needs, and delete nothing."""
    _, found = _unneeded(spec)
    operations.told(name="List what nothing needs", fault=found["fault"], count=found["count"])


@deploy("Prune")
def prune(spec: HostSpec) -> None:
    """Delete what of ours nothing needs."""
    wanted, found = _unneeded(spec)
    operations.pruned(
        name="Delete what nothing needs", wanted=wanted, fault=found["fault"],
        count=found["count"], python=spec.python,
    )  # fmt: skip


def _unneeded(spec: HostSpec) -> tuple[str, dict[str, Any]]:
    """Return what is wanted of a host and what it has beside; tell the latter."""
    system = probe.of(host)["system"]
    if not system:
        return "", facts.Unneeded.silent(*(probe.of(host)["faults"] or {}).values())
    wanted = json.dumps(plan.kept(spec, machine_id=str(system["machine_id"])))
    found = host.get_fact(
        facts.Unneeded, python=spec.python, plan=wanted, _stdin=job.program("prune")
    )
    for line in found["lines"]:
        echo(f"{host.print_prefix}{line}", err=True)
    return wanted, found
