"""A host of which nothing of ours is left, step by step."""

import json

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand, operation
from pyinfra.api.output import echo

from roles import gateway, job, lock, paths, probe
from roles.decommission import asked
from roles.spec import HostSpec

_JOB = "decommission"


@operation()
def dispensable_host(onto: HostSpec, plan: asked.Plan, fault: str | None) -> job.Commands:
    """
    Nobody is at work on the host, and what is to go is not wanted any more.

    + onto: the host as the inventory still has it
    + plan: what is to go
    + fault: why what is there cannot be told
    """
    found = probe.of(host)
    others = [name for name in found["jobs"] or () if name != _JOB]
    if fault:
        yield job.refusal(f"{fault}; nothing was changed")
    elif others:
        yield job.refusal(
            f"the job {others[0]} is at work; nothing was changed; wait for it "
            f"(journalctl -fu {paths.job(others[0])}) and run again"
        )
    elif why := asked.still_wanted(onto, plan):
        yield job.refusal(why)
    else:
        host.noop("nobody is at work here")


@operation()
def gone() -> job.Commands:
    """Nothing of ours was there before."""
    host.noop("nothing of it is here")
    yield from ()


@operation()
def removed_part(plan: asked.Plan, python: str) -> job.Commands:
    """
    Nothing is left of an instance, of what answers gateways, or of the gateway.

    + plan: what is to go
    + python: the interpreter that runs our own code
    """
    yield from lock.held()
    yield from job.commands(_JOB, script="decommission", python=python, plan=plan)


@operation()
def removed_host(plan: asked.Plan, python: str) -> job.Commands:
    """
    Nothing of ours is left on the host, but for what was to stay.

    + plan: what is to go
    + python: the interpreter that runs our own code
    """
    yield from lock.held()
    yield from job.commands(_JOB, script="decommission", python=python, plan=plan)
    # The job, its script and the lock themselves.
    given = json.dumps(plan | {"run": lock.owner()["run"]})
    words = [QuoteString(python), "-", "finish", QuoteString(given)]
    yield job.shown(StringCommand(*words), program="decommission")
    yield FunctionCommand(_next, (), {"gateways": gateway.before(host)})


def _next(state: State, host: Host, *, gateways: list[str]) -> bool:
    """Say what nobody can do from here."""
    words = f"take {host.name} out of the inventory"
    if gateways:
        limits = " ".join(f"--limit {name}" for name in gateways)
        words += f", then have its gateways forget it: deploy/gateway.py {limits}"
    echo(f"{host.print_prefix}{words}", err=True)
    return True
