"""Weights on a host."""

from collections.abc import Generator
from pathlib import Path, PurePosixPath

from pyinfra import host
from pyinfra.api import FileUploadCommand, FunctionCommand, QuoteString, StringCommand, operation

from roles import instance as secrets_of
from roles import job, lock, paths, probe
from roles.spec import Folder, HostSpec, Weights
from roles.weights import sources
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
        shown = [sources.shown(source) for source in weights.sources]
    except secrets_of.SecretError as error:
        yield job.refusal(f"the token or key for {weights.name}: {error}")
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
        "sources": [
            sources.planned(source, weights=weights, incoming=incoming)
            for source in weights.sources
        ],
        "files": [file.model_dump() for file in weights.files],
        "limit_mib_s": onto.fetch_limit_mib_s,
        "proxy": onto.packages.proxy,
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
