"""Stacks on a host."""

from pathlib import Path
from typing import Any, assert_never

from pyinfra import host
from pyinfra.api import operation

from roles import job, lock, paths, probe
from roles.engine import archive
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
    plan = _plan(stack, onto) | {"lock": pinned.text, "installer": INSTALLER.read_text()}
    name = f"install-{stack.folder}"
    yield from job.commands(name, script="install", python=onto.python, plan=plan)


def _image(stack: Stack, pinned: Image, onto: HostSpec) -> job.Commands:
    """Yield what brings or builds a container image."""
    plan = _plan(stack, onto) | {
        "image": paths.image(stack),
        "reference": pinned.reference,
        "archive": pinned.archive.model_dump() if pinned.archive else None,
        "lock": pinned.lock.text if pinned.lock else None,
        "gpus": stack.accelerator is Accelerator.CUDA,
    }
    name = f"install-{stack.folder}"
    yield from job.commands(name, script="image", python=onto.python, plan=plan)


def _plan(stack: Stack, onto: HostSpec) -> dict[str, Any]:
    return {
        "name": stack.folder,
        "folder": paths.stack(stack),
        "python": stack.python,
        "disk_gib": stack.disk_gib,
        "packages": onto.packages.model_dump(),
    }
