"""Bring stacks to a host."""

from pyinfra.api import deploy

from roles.engine import operations
from roles.spec import HostSpec


@deploy("Install stacks")
def install(spec: HostSpec) -> None:
    """Install each stack that an instance of the host needs, once."""
    for stack in spec.installed:
        operations.installed_stack(name=f"Install {stack.folder}", stack=stack, onto=spec)
