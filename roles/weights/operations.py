"""Weights on a host."""

from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, Host, State, operation

from roles import job, lock, probe
from roles.spec import HostSpec, Weights
from roles.weights import fetch
from roles.weights.receipt import receipt
from roles.weights.served import Served
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
    together = swarm(state, host, weights)
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
def patched_files(served: Served, python: str) -> job.Commands:
    """
    The files of a model lie in a second folder as a stack can read them; as pinned they stay.

    + served: the model and the stack
    + python: the interpreter that runs our own code
    """
    phase, digest = served.receipt
    if probe.holds(host, phase=phase, digest=digest):
        host.noop(f"{served.weights.name} is patched for {served.stack.name}")
        return
    yield from lock.held()
    yield from job.commands(phase, script="patch", python=python, plan=served.plan)
