"""Stacks on a host."""

from pathlib import Path
from typing import Any, assert_never

from pyinfra import host
from pyinfra.api import operation

from roles import job, lock, paths, probe
from roles.engine import archive
from roles.hostside import places
from roles.spec import Accelerator, Archive, HostSpec, Image, Lock, Stack

INSTALLER = Path(__file__).with_name("uv.txt")
"""The lock of what installs stacks."""


@operation()
def installed_stack(stack: Stack, onto: HostSpec) -> archive.Commands:
    """
    ``stack`` is there as it is pinned: packages or an archive in its folder, or a container image.

    + stack: what to install; shared by every instance that uses it
    + onto: the host
    """
    if stack.folder in (probe.of(host)["stacks"] or []):
        host.noop(f"{stack.folder} is installed")
        return
    yield from lock.held()
    match stack.lock:
        case Lock():
            yield from _locked(stack, stack.lock, onto)
        case Archive():
            yield from archive.unpacked(stack, stack.lock, onto)
        case Image():
            yield from _image(stack, stack.lock, onto)
        case _:
            assert_never(stack.lock)


def _locked(stack: Stack, pinned: Lock, onto: HostSpec) -> job.Commands:
    """Yield what installs every package of a lock."""
    yield from packages(
        stack.folder, pinned.text, python=stack.python, disk_gib=stack.disk_gib, onto=onto
    )


def packages(
    folder: str, lock: str, *, python: str, disk_gib: float, onto: HostSpec
) -> job.Commands:
    """
    Yield what leaves an environment of its own with every package of a lock.

    :param folder: its name among the stacks
    :param python: the minor version that the lock is for
    :param disk_gib: what it takes, measured
    """
    plan = _plan(folder, python, disk_gib, onto)
    plan |= {"lock": lock, "installer": INSTALLER.read_text()}
    yield from job.commands(f"install-{folder}", script="install", python=onto.python, plan=plan)


def _image(stack: Stack, pinned: Image, onto: HostSpec) -> job.Commands:
    """Yield what brings or builds a container image."""
    plan = _plan(stack.folder, stack.python, stack.disk_gib, onto) | {
        "image": paths.image(stack),
        "reference": pinned.reference,
        "archive": pinned.archive.model_dump() if pinned.archive else None,
        "lock": pinned.lock.text if pinned.lock else None,
        "gpus": stack.accelerator is Accelerator.CUDA,
    }
    name = f"install-{stack.folder}"
    yield from job.commands(name, script="image", python=onto.python, plan=plan)


def _plan(folder: str, python: str, disk_gib: float, onto: HostSpec) -> dict[str, Any]:
    return {
        "name": folder,
        "folder": f"{places.stacks()}/{folder}",
        "python": python,
        "disk_gib": disk_gib,
        "packages": onto.packages.model_dump(),
    }
