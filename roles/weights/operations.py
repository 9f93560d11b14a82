"""Weights on a host."""

from collections.abc import Generator
from pathlib import PurePosixPath
from typing import assert_never

from pyinfra import host
from pyinfra.api import FileUploadCommand, FunctionCommand, QuoteString, StringCommand, operation

from roles import job, lock, paths, probe
from roles.spec import Folder, HostFolder, Weights
from roles.weights.receipt import receipt
from roles.weights.served import Served


@operation()
def model_files(
    weights: Weights, root: str, python: str
) -> Generator[StringCommand | FileUploadCommand | FunctionCommand, None, None]:
    """
    Every file of ``weights`` is on disk with its pinned digest.

    + weights: the files wanted; those already right are left alone
    + root: where weights lie on the host
    + python: the interpreter that runs our own code
    """
    phase, digest = receipt(weights, root=root)
    if probe.holds(host, phase=phase, digest=digest):
        host.noop(f"{weights.name} is complete")
        return
    yield from lock.held()
    match weights.source:
        case HostFolder(path=source):
            arrived = False
        case Folder(path=folder):
            arrived = True
            source = paths.incoming(weights, root=root)
            targets = {file.path: f"{source}/{file.path}" for file in weights.files}
            folders = sorted({str(PurePosixPath(target).parent) for target in targets.values()})
            yield StringCommand("mkdir", "-p", *map(QuoteString, folders))
            for path, target in targets.items():
                yield FileUploadCommand(str(folder / path), target)
        case _:
            assert_never(weights.source)
    plan = {
        "name": weights.name,
        "phase": phase,
        "digest": digest,
        "folder": paths.weights(weights, root=root),
        "source": source,
        "files": [file.model_dump() for file in weights.files],
    }
    yield from job.commands(phase, script="fetch", python=python, plan=plan)
    if arrived:
        yield StringCommand("rm", "-rf", QuoteString(source))


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
