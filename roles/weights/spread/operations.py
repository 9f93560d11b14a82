"""A model spread from host to host: offered, taken, ended."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand, operation
from pyinfra.api.output import echo

from roles import job, lock, paths
from roles.spec import HostSpec, Weights
from roles.weights import fetch
from roles.weights.receipt import receipt
from roles.weights.spread.members import Swarm, swarm

TOOL = Path(__file__).with_name("libtorrent.txt")
"""The lock of what hosts give and take with."""
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
"""Versions of Python that it has wheels for."""
_NOBODY = "every host has it, or brings it alone"


@operation()
def offered_files(weights: Weights, onto: HostSpec) -> job.Commands:
    """
    The hosts of the run know each other, and one that has every file has offered them.

    + weights: what some have and others need
    + onto: the host
    """
    together = swarm(host, weights)
    if together is None:
        host.noop(_NOBODY)
        return
    yield from lock.held()
    yield FunctionCommand(_offer, (), _given(together, onto))


@operation()
def spread_files(weights: Weights, onto: HostSpec) -> job.Commands:
    """
    Every file of ``weights`` came from the other hosts; from the sources if it could not.

    + weights: the files wanted
    + onto: the host; with every file, it gives them to the others
    """
    together = swarm(host, weights)
    if together is None:
        host.noop(_NOBODY)
        return
    yield FunctionCommand(_spread, (), _given(together, onto))


@operation()
def ended_spread(weights: Weights, onto: HostSpec) -> Generator[FunctionCommand, None, None]:
    """
    Nothing is given to others any more.

    + weights: what was spread
    + onto: the host
    """
    together = swarm(host, weights)
    if together is None:
        host.noop(_NOBODY)
        return
    yield FunctionCommand(_end, (), _given(together, onto))


def _given(together: Swarm, onto: HostSpec) -> dict[str, Any]:
    return {"together": together, "onto": onto, "arguments": job.connector_arguments(host)}


def _offer(
    state: State, host: Host, *, together: Swarm, onto: HostSpec, arguments: dict[str, Any]
) -> bool:
    about = _about(host, together, onto, arguments)
    if not about["address"]:
        there = f"it has no address in {together.network}"
        _say(host, f"{there}, so it does not take part in the spread")
        return True
    together.addresses[host.name] = about["address"]
    if host.name not in together.holding:
        return True
    with together.turn:
        if together.torrent is None and about["torrent"] is None:
            plan = _plan(together, onto)
            name = f"offer-{plan['phase']}"
            made = job.commands(name, script="torrent", python=onto.python, plan=plan)
            if fetch.executed(state, host, made, arguments):
                about = _about(host, together, onto, arguments)
        together.torrent = together.torrent or about["torrent"]
    return True


def _spread(
    state: State, host: Host, *, together: Swarm, onto: HostSpec, arguments: dict[str, Any]
) -> bool:
    while together.torrent and host.name in together.addresses:
        before = job.made_again(host)
        if fetch.executed(state, host, _swarm(host, together, onto), arguments):
            return True
        if job.made_again(host) == before:
            break
        # It was away, and its job with it if it booted: the others are still giving.
    if host.name in together.holding:
        # A host that cannot give to others has everything itself.
        return True
    _say(host, f"{together.weights.name} is brought from its sources instead")
    return fetch.executed(state, host, fetch.commands(together.weights, onto), arguments)


def _swarm(host: Host, together: Swarm, onto: HostSpec) -> fetch.Commands:
    plan = _plan(together, onto) | {
        "holds": host.name in together.holding,
        "torrent": together.torrent,
        "address": together.addresses[host.name],
        "port": together.port(host.name),
        "peers": together.others(host.name),
        "share": together.share(host.name),
        "limit_mib_s": onto.fetch_limit_mib_s,
        "later": fetch.later(together.weights, onto),
    }
    shown = {"swarm": together.credentials}
    yield job.script("tokens", "keep", plan["phase"], python=onto.python, given=shown)
    yield from job.commands(plan["phase"], script="swarm", python=onto.python, plan=plan)


def _end(
    state: State, host: Host, *, together: Swarm, onto: HostSpec, arguments: dict[str, Any]
) -> bool:
    phase, _ = receipt(together.weights, root=onto.weights_root)
    words = [onto.python, paths.script("jobs"), "end", phase]
    _, output = host.run_shell_command(StringCommand(*map(QuoteString, words)), **arguments)
    for line in output.stdout_lines:
        if line:
            _say(host, line)
    return True


def _about(
    host: Host, together: Swarm, onto: HostSpec, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Return a host's address among the others, and the torrent that it keeps."""
    folder = paths.weights(together.weights, root=onto.weights_root)
    words = [onto.python, paths.script("swarm"), "about", folder, together.network]
    done, output = host.run_shell_command(StringCommand(*map(QuoteString, words)), **arguments)
    about: dict[str, Any] = (
        json.loads(output.stdout_lines[-1]) if done else {"address": None, "torrent": None}
    )
    return about


def _plan(together: Swarm, onto: HostSpec) -> dict[str, Any]:
    phase, digest = receipt(together.weights, root=onto.weights_root)
    return {
        "name": together.weights.name,
        "phase": phase,
        "digest": digest,
        "folder": paths.weights(together.weights, root=onto.weights_root),
        "files": together.weights.listed,
        "tool": TOOL.read_text(),
        "packages": onto.packages.model_dump(),
    }


def _say(host: Host, words: str) -> None:
    echo(f"{host.print_prefix}{words}", err=True)
