"""Pin a model revision."""

from typing import Any

from pyinfra.api import deploy

from roles.hub import operations


@deploy("Pin")
def pin(*, data: dict[str, Any]) -> None:
    """Have a revision of a hub in the inventory, file by file."""
    operations.pinned_weights(name=f"Pin {data.get('weights')}", data=data)
