"""What can be wished of a lab."""

from pyinfra.api import deploy

from roles.lab import network, operations
from roles.lab.lab import Lab


@deploy("Lab up")
def up(*, lab: Lab, count: int) -> None:
    """Have a lab of ``count`` hosts running on this machine."""
    network.refuse_other_counts(count)
    operations.programs(name="Install what boots a host")
    operations.base_image(name="Build the image")
    operations.running(name=f"Run the hosts of {lab.name}", lab=lab, count=count)


@deploy("Lab down")
def down(*, lab: Lab) -> None:
    """Stop a lab and keep its disks."""
    operations.stopped(name=f"Stop the hosts of {lab.name}", lab=lab)


@deploy("Lab destroy")
def destroy(*, lab: Lab) -> None:
    """Leave nothing of a lab."""
    operations.absent(name=f"Remove {lab.name}", lab=lab)
