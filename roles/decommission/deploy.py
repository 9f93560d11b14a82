"""Take everything of ours off a host."""

import json
from typing import Any

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.api.output import echo

from roles import base, job, limit
from roles.decommission import asked, facts, operations
from roles.spec import HostSpec


@deploy("Decommission")
def decommission(spec: HostSpec, data: dict[str, Any]) -> None:
    """
    Drain and stop what serves, and leave nothing of ours but what was to stay.

    :param data: see ``asked.plan``
    :raises DeployError: nobody said which hosts, or something that is not known
    """
    limit.refuse_all("decommissioning")
    plan = asked.plan(spec, data)
    found = host.get_fact(
        facts.Remains, python=spec.python, plan=json.dumps(plan), _stdin=job.program("decommission")
    )
    _tell(found)
    operations.dispensable_host(
        name="Look whether it may go", onto=spec, plan=plan, fault=found["fault"]
    )
    if not found["things"]:
        operations.gone(name="Nothing is left")
        return
    base.bring_scripts()
    if plan["instance"] or plan["part"]:
        operations.removed_part(name=f"Remove {plan['name']}", plan=plan, python=spec.python)
    else:
        operations.removed_host(name="Decommission", plan=plan, python=spec.python)


def _tell(found: dict[str, Any]) -> None:
    for kind, name in found["things"]:
        echo(f"{host.print_prefix}{kind:9}  {name}", err=True)
    if not found["things"] and not found["fault"]:
        echo(f"{host.print_prefix}nothing of it is here", err=True)
    for line in found["stays"]:
        echo(f"{host.print_prefix}stays      {line}", err=True)
