"""Stacks on a host."""

from pathlib import Path

from pyinfra import host
from pyinfra.api import operation

from roles import job, lock, paths, probe
from roles.spec import Packages, Stack

INSTALLER = Path(__file__).with_name("uv.txt")
"""The lock of what installs stacks."""


@operation()
def installed_stack(stack: Stack, packages: Packages, python: str) -> job.Commands:
    """
    Every package of ``stack`` is in its folder, as its lock pins it.

    + stack: what to install; shared by every instance that uses it
    + packages: where packages come from
    + python: the interpreter that runs our own code
    """
    if stack.folder in (probe.of(host)["stacks"] or []):
        host.noop(f"{stack.folder} is installed")
        return
    yield from lock.held()
    plan = {
        "name": stack.folder,
        "folder": paths.stack(stack),
        "lock": stack.lock.text,
        "python": stack.python,
        "disk_gib": stack.disk_gib,
        "installer": INSTALLER.read_text(),
        "packages": packages.model_dump(),
    }
    yield from job.commands(f"install-{stack.folder}", script="install", python=python, plan=plan)
