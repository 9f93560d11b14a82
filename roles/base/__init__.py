"""A host made ready for stacks and instances."""

from roles.base.deploy import prepare

__all__ = ["prepare"]
