"""A stack that is one archive, brought to a host and unpacked there."""

from collections.abc import Generator

from pyinfra.api import FileUploadCommand, FunctionCommand, QuoteString, StringCommand

from roles import job, paths, weights
from roles.spec import Archive, Folder, HostSpec, Stack

Commands = Generator[StringCommand | FileUploadCommand | FunctionCommand, None, None]


def unpacked(stack: Stack, archive: Archive, onto: HostSpec) -> Commands:
    """Yield what leaves the stack's folder with everything of the archive in it."""
    beside = paths.archive(archive)
    incoming = f"{beside}.incoming"
    carried = [source.path for source in archive.sources if isinstance(source, Folder)]
    for folder in carried:
        yield from weights.carry([archive.file], folder, incoming)
    plan = {
        "name": stack.folder,
        "folder": paths.stack(stack),
        "disk_gib": stack.disk_gib,
        "program": stack.command[0],
        "archive": {"path": archive.file, "size": archive.size, "sha256": archive.sha256},
        "beside": beside,
        "sources": [
            weights.planned(source, part="archives", incoming=incoming)
            for source in archive.sources
        ],
        "limit_mib_s": onto.fetch_limit_mib_s,
        "proxy": onto.packages.proxy,
    }
    yield from job.commands(
        f"install-{stack.folder}", script="unpack", python=onto.python, plan=plan
    )
    if carried:
        yield StringCommand("rm", "-rf", QuoteString(incoming))
