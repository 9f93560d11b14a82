"""What brings a model revision to a host from its sources."""

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pyinfra import host
from pyinfra.api import FileUploadCommand, FunctionCommand, Host, QuoteString, State, StringCommand

from roles import instance as secrets_of
from roles import job, lock, paths, probe
from roles.spec import Folder, HostSpec, Weights
from roles.weights import sources
from roles.weights.receipt import receipt
from roles.weights.served import Served

Commands = Generator[StringCommand | FileUploadCommand | FunctionCommand, None, None]


def later(weights: Weights, onto: HostSpec) -> int:
    """Return the bytes of what the host has still to make of the files once it has them."""
    wanted = [one for one in onto.instances if one.weights.digest == weights.digest]
    made = {one.folder: one for i in wanted for one in Served(i, onto.weights_root).made}
    return sum(
        one.needs
        for one in made.values()
        if not probe.holds(host, phase=one.receipt[0], digest=one.receipt[1])
    )


def commands(weights: Weights, onto: HostSpec) -> Commands:
    """Yield what brings every file from the sources, verified."""
    phase, digest = receipt(weights, root=onto.weights_root)
    try:
        shown = [sources.shown(source) for source in weights.sources]
    except secrets_of.SecretError as error:
        yield job.refusal(f"the token or key for {weights.name}: {error}")
        return
    yield from lock.held()
    incoming = paths.incoming(weights, root=onto.weights_root)
    carried = [source.path for source in weights.sources if isinstance(source, Folder)]
    # Files that a job reads already would be cut short while they are brought again.
    at_work = phase in (probe.of(host)["jobs"] or ())
    for folder in () if at_work else carried:
        yield from carry([file.path for file in weights.files], folder, incoming)
    if any(shown):
        given = {str(number): one for number, one in enumerate(shown) if one}
        yield job.script("tokens", "keep", phase, python=onto.python, given=given)
    plan = {
        "name": weights.name,
        "phase": phase,
        "digest": digest,
        "folder": paths.weights(weights, root=onto.weights_root),
        "sources": [
            sources.planned(source, part=paths.weights(weights, root="weights"), incoming=incoming)
            for source in weights.sources
        ],
        "files": weights.listed,
        "limit_mib_s": onto.fetch_limit_mib_s,
        "proxy": onto.packages.proxy,
        "later": later(weights, onto),
    }
    yield from job.commands(phase, script="fetch", python=onto.python, plan=plan)
    if carried:
        yield StringCommand("rm", "-rf", QuoteString(incoming))


def executed(state: State, host: Host, given: Iterator[Any], arguments: dict[str, Any]) -> bool:
    """Execute commands from within a function that an operation yields; stop at one that fails."""
    for command in given:
        done = command.execute(state, host, dict(arguments))
        if (done[0] if isinstance(done, tuple) else done) is False:
            return False
    return True


def carry(files: Iterable[str], folder: Path, incoming: str) -> Commands:
    """Yield what brings files of a folder of the control machine beside their place."""
    targets = {path: f"{incoming}/{path}" for path in files}
    folders = sorted({str(PurePosixPath(target).parent) for target in targets.values()})
    yield StringCommand("mkdir", "-p", *map(QuoteString, folders))
    for path, target in targets.items():
        yield FileUploadCommand(str(folder / path), target)
