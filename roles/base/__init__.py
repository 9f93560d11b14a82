"""A host made ready for stacks and instances."""

from roles.base.deploy import prepare
from roles.base.layout import packages

__all__ = ["packages", "prepare"]
