"""Make a bundle, and look whether one is whole."""

from typing import Any

from pyinfra.api import deploy

from roles.bundle import operations


@deploy("Bundle")
def make(*, data: dict[str, Any]) -> None:
    """Have everything that an inventory needs in one folder."""
    operations.complete_bundle(
        name=f"Bundle {data.get('inventory')} in {data.get('folder')}", data=data
    )


@deploy("Verify the bundle")
def verify(*, data: dict[str, Any]) -> None:
    """Hold every file of a bundle against its manifest."""
    operations.right_bundle(name=f"Verify the bundle {data.get('folder')}", data=data)
