"""Weights on a host."""

from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, State, operation

from roles import job, lock, probe
from roles.spec import HostSpec, Weights
from roles.weights import fetch
from roles.weights.made import Made
from roles.weights.receipt import receipt
from roles.weights.spread import Swarm, swarm


@operation()
def model_files(weights: Weights, onto: HostSpec) -> fetch.Commands:
    """
    Every file of ``weights`` is on disk with its pinned digest, or will come from another host.

    + weights: the files wanted; those already right are left alone
    + onto: the host
    """
    phase, digest = receipt(weights, root=onto.weights_root)
    if probe.holds(host, phase=phase, digest=digest):
        host.noop(f"{weights.name} is complete")
        return
    together = swarm(host, weights)
    if together is None:
        yield from fetch.commands(weights, onto)
    elif host.name not in together.askers:
        host.noop(f"{weights.name} comes from the other hosts")
    else:
        given = {"together": together, "onto": onto, "arguments": job.connector_arguments(host)}
        yield FunctionCommand(_first, (), given)


def _first(
    state: State, host: Host, *, together: Swarm, onto: HostSpec, arguments: dict[str, Any]
) -> bool:
    """Ask the sources, unless another host has done so for all; whoever fails lets the next try."""
    with together.turn:
        if together.holding:
            return True
        done = fetch.executed(state, host, fetch.commands(together.weights, onto), arguments)
        if done:
            together.holding.add(host.name)
        return done


@operation()
def made_files(made: Made, python: str) -> job.Commands:
    """
    What a host makes of a model's files lies in a folder of its own; as they were they stay.

    + made: what is made
    + python: the interpreter that runs our own code
    """
    if all(probe.holds(host, phase=phase, digest=of) for phase, of in (made.receipt, *made.of)):
        host.noop(f"{made.name} {made.state}")
        return
    yield from lock.held()
    yield from job.commands(made.receipt[0], script=made.script, python=python, plan=made.plan)
