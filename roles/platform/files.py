"""Vendors' files on a host: where they lie there, and how they come from the control machine."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, assert_never

from paramiko import SSHException
from pyinfra.api import Host, QuoteString, StringCommand
from pyinfra.api.output import echo

from roles import paths
from roles.hostside import places
from roles.platform import line
from roles.platform.step import PlatformError, Step
from roles.spec import Folder, HostFolder, HostSpec, Installer

_TRIES = 3


def path(spec: HostSpec, installer: Installer) -> str:
    """Return where an installer lies on the host."""
    match spec.installers:
        case HostFolder(path=folder):
            return f"{folder}/{installer.file}"
        case Folder():
            return paths.installer(installer)
        case None:
            raise PlatformError(
                f"{installer.file} is wanted, and the host names no installers folder"
            )
        case _:
            assert_never(spec.installers)


def bring(
    host: Host, spec: HostSpec, steps: Iterable[Step], found: dict[str, Any], **arguments: Any
) -> None:
    """
    Send what the steps need and the host has not. The job looks at its hash before it is run.

    :raises PlatformError: a file is not here, or there is no room for it there
    """
    if not isinstance(spec.installers, Folder):
        return
    folder = spec.installers.path
    wanted = {path(spec, step.installer): step.installer for step in steps if step.installer}
    sizes = {target: _size(folder / one.file) for target, one in wanted.items()}
    there = _sizes(host, wanted, **arguments) if wanted else {}
    missing = {target: size for target, size in sizes.items() if there.get(target) != size}
    _refuse_full(missing, found)
    for target, size in missing.items():
        file = wanted[target].file
        echo(f"{host.print_prefix}sending {file}, {size >> 20} MiB", err=True)
        _send(host, folder / file, target, **arguments)


def _size(file: Path) -> int:
    if not file.is_file():
        raise PlatformError(f"{file} does not exist on this machine; put the vendor's file there")
    return file.stat().st_size


def _sizes(host: Host, targets: Iterable[str], **arguments: Any) -> dict[str, int]:
    """Return the size of what is there, after making the folder, which is root's alone."""
    make = ("install", "--directory", "--owner=root", "--group=root", "--mode=700")
    asked = StringCommand(
        *make, QuoteString(places.installers()), "&&",
        "stat", "--format=%s:%n", *map(QuoteString, targets), "2>/dev/null", "||", "true",
    )  # fmt: skip
    _, output = host.run_shell_command(asked, **arguments)
    rows = [line.partition(":") for line in output.stdout_lines]
    return {name: int(size) for size, _, name in rows if size.isdecimal()}


def _refuse_full(missing: dict[str, int], found: dict[str, Any]) -> None:
    free = (found["disks"] or {}).get(places.ROOT, {}).get("free_mib")
    needed = sum(missing.values()) >> 20
    if free is not None and needed > free:
        raise PlatformError(
            f"the vendor's files take {needed} MiB, {places.ROOT} has {free} free; free some"
        )


def _send(host: Host, file: Path, target: str, **arguments: Any) -> None:
    """Upload beside, then rename: what has its name is whole."""
    partial = f"{target}.partial"
    for attempt in range(1, _TRIES + 1):
        try:
            done = host.put_file(str(file), partial, **arguments)
        except (OSError, EOFError, SSHException) as error:
            done = False
            echo(f"{host.print_prefix}{file.name} did not arrive ({error})", err=True)
        if done:
            break
        if attempt == _TRIES or not line.up(host):
            raise PlatformError(
                f"{file.name} did not arrive in {attempt} tries; nothing was changed"
            )
    move = StringCommand("mv", "-f", QuoteString(partial), QuoteString(target))
    renamed, output = host.run_shell_command(move, **arguments)
    if not renamed:
        raise PlatformError(f"{target} cannot be written: {output.stderr}")
