"""Stacks on a host."""

from pathlib import Path

from pyinfra import host
from pyinfra.api import operation

from roles import job, lock, paths, probe
from roles.spec import Accelerator, Image, Lock, Packages, Stack

_INSTALLER = Path(__file__).with_name("uv.txt")


@operation()
def installed_stack(stack: Stack, packages: Packages, python: str) -> job.Commands:
    """
    The stack is on the host as its lock pins it: packages in its folder, or a container image.

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
        "python": stack.python,
        "disk_gib": stack.disk_gib,
        "packages": packages.model_dump(),
    }
    match stack.lock:
        case Lock() as pinned:
            plan |= {"lock": pinned.text, "installer": _INSTALLER.read_text()}
            yield from job.commands(
                f"install-{stack.folder}", script="install", python=python, plan=plan
            )
        case Image() as pinned:
            plan |= {
                "image": paths.image(stack),
                "reference": pinned.reference,
                "archive": pinned.archive.model_dump() if pinned.archive else None,
                "lock": pinned.lock.text if pinned.lock else None,
                "gpus": stack.accelerator is Accelerator.CUDA,
            }
            yield from job.commands(
                f"install-{stack.folder}", script="image", python=python, plan=plan
            )
