"""What a prepared host has of ours, and the packages that it needs."""

from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation
from pyinfra.operations import apt

from roles import job, lock
from roles.base import changed, layout
from roles.base.facts import InstalledPackages
from roles.spec import HostSpec


@operation()
def packages(wanted: list[str]) -> job.Commands:
    """
    Packages of the distribution are installed.

    + wanted: their names
    """
    there = host.get_fact(InstalledPackages, packages=wanted)
    if set(wanted) <= set(there):
        host.noop("every package is installed")
        return
    yield from lock.held()
    # What is recommended beside Docker would restart services on its own (needrestart).
    yield from apt.packages._inner(
        packages=wanted, update=True, cache_time=86400, no_recommends=True
    )


@operation()
def laid_out_host(onto: HostSpec) -> job.Commands:
    """
    Accounts, folders, our own scripts and units are there, and the receipt of them.

    + onto: the host
    """
    wanted = layout.laid_out(onto)
    changed.show(wanted["files"])
    yield from _laid_out(wanted, python=onto.python)


@operation()
def hostside_scripts(python: str) -> job.Commands:
    """
    The scripts that run on hosts are there, in a folder of their own version.

    + python: the interpreter that runs them
    """
    yield from _laid_out({"scripts": layout.hostside_folder()}, python=python)


def _laid_out(wanted: dict[str, Any], *, python: str) -> job.Commands:
    packed = layout.hostside_archive()

    def script(taken_by: dict[str, Any] | None) -> StringCommand:
        return job.sent("layout", packed, python=python, given=wanted | {"lock": taken_by})

    yield from lock.held_by(script)


@operation()
def held_receipt(phase: str) -> job.Commands:
    """
    What a phase left behind is still there, so that nothing of it is done again, but that the lock
    of a dead run is taken over.

    + phase: its name
    """
    host.noop(f"the receipt of {phase} holds")
    yield from lock.taken_over()
