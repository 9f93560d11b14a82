"""Weights on a host."""

from collections.abc import Generator
from pathlib import Path, PurePosixPath

from pyinfra import host
from pyinfra.api import FileUploadCommand, FunctionCommand, QuoteString, StringCommand, operation

from roles import instance as secrets_of
from roles import job, lock, paths, probe
from roles.spec import Folder, HostSpec, Weights
from roles.weights import sources
from roles.weights.made import Made
from roles.weights.receipt import receipt
from roles.weights.served import Served

Commands = Generator[StringCommand | FileUploadCommand | FunctionCommand, None, None]


@operation()
def model_files(weights: Weights, onto: HostSpec) -> Commands:
    """
    Every file of ``weights`` is on disk with its pinned digest.

    + weights: the files wanted; those already right are left alone
    + onto: the host
    """
    phase, digest = receipt(weights, root=onto.weights_root)
    if probe.holds(host, phase=phase, digest=digest):
        host.noop(f"{weights.name} is complete")
        return
    try:
        shown = [sources.headers(source) for source in weights.sources]
    except secrets_of.SecretError as error:
        yield job.refusal(f"the token for {weights.name}: {error}")
        return
    yield from lock.held()
    incoming = paths.incoming(weights, root=onto.weights_root)
    carried = [source.path for source in weights.sources if isinstance(source, Folder)]
    for folder in carried:
        yield from _carry(weights, folder, incoming)
    if any(shown):
        given = {str(number): one for number, one in enumerate(shown) if one}
        yield job.script("tokens", "keep", phase, python=onto.python, given=given)
    plan = {
        "name": weights.name,
        "phase": phase,
        "digest": digest,
        "folder": paths.weights(weights, root=onto.weights_root),
        "sources": [sources.planned(source, incoming=incoming) for source in weights.sources],
        "files": [file.model_dump() for file in weights.files],
        "limit_mib_s": onto.fetch_limit_mib_s,
        "proxy": onto.packages.proxy,
        "later": _to_be_made(weights, onto),
    }
    yield from job.commands(phase, script="fetch", python=onto.python, plan=plan)
    if carried:
        yield StringCommand("rm", "-rf", QuoteString(incoming))


def _carry(weights: Weights, folder: Path, incoming: str) -> Commands:
    """Bring files of the control machine beside their place."""
    targets = {file.path: f"{incoming}/{file.path}" for file in weights.files}
    folders = sorted({str(PurePosixPath(target).parent) for target in targets.values()})
    yield StringCommand("mkdir", "-p", *map(QuoteString, folders))
    for path, target in targets.items():
        yield FileUploadCommand(str(folder / path), target)


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


def _to_be_made(weights: Weights, onto: HostSpec) -> int:
    """Return the bytes of what the host has still to make of these weights."""
    wanted = [one for one in onto.instances if one.weights.digest == weights.digest]
    made = {one.folder: one for i in wanted for one in Served(i, onto.weights_root).made}
    return sum(
        one.needs
        for one in made.values()
        if not probe.holds(host, phase=one.receipt[0], digest=one.receipt[1])
    )
