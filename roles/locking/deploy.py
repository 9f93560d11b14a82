"""Lock stacks."""

from typing import Any

from pyinfra.api import deploy

from roles.locking import operations


@deploy("Lock stacks")
def lock(*, data: dict[str, Any]) -> None:
    """Have a lock beside every stack that asks for packages, as the index has them today."""
    operations.locked_stacks(name="Lock stacks", data=data)
