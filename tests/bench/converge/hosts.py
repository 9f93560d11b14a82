"""Hosts of a lab that is not there."""

from pathlib import Path

from roles.lab import LabHost
from roles.lab.cgroup import Group
from roles.lab.network import Network


def lab_host(number: int) -> LabHost:
    """Return a host by its number."""
    name = f"none-{number}"
    return LabHost(
        name=name,
        number=number,
        folder=Path("/nowhere") / name,
        image="none",
        network=Network(1),
        group=Group(name),
        keepers=Group("keepers"),
        key=Path("/nowhere/key"),
        known_hosts=Path("/nowhere/known_hosts"),
    )
