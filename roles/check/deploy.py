"""Ask running servers from outside the transaction that started them."""

from pyinfra import host
from pyinfra.api import deploy

from roles.check import operations
from roles.spec import HostSpec


@deploy("Check")
def ask(spec: HostSpec) -> None:
    """Ask each instance of the host its questions."""
    for instance in spec.answering(host.name):
        operations.right_answers(
            name=f"Ask {instance.name}", instance=instance.name, python=spec.python
        )


@deploy("Check offline")
def ask_offline(spec: HostSpec, kind: str) -> None:
    """Ask the engine of each instance the questions of one kind, without its server."""
    for instance in spec.answering(host.name):
        operations.right_answers_offline(
            name=f"Ask {instance.name} offline",
            instance=instance.name,
            hosts=len(instance.across.ranks) if instance.across else 1,
            kind=kind,
            python=spec.python,
        )
