"""Ask running servers from outside the transaction that started them."""

from pyinfra.api import deploy

from roles.check import operations
from roles.spec import HostSpec


@deploy("Check")
def ask(spec: HostSpec) -> None:
    """Ask each instance of the host its questions."""
    for instance in spec.instances:
        operations.right_answers(
            name=f"Ask {instance.name}", instance=instance.name, python=spec.python
        )
