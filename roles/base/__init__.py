"""A host made ready for stacks and instances."""

from roles.base.deploy import bring_scripts, prepare
from roles.base.layout import digest_of, packages

__all__ = ["bring_scripts", "digest_of", "packages", "prepare"]
