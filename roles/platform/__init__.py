"""What lies between an OS and its stacks: drivers and toolkits, through reboots."""

from roles.platform.deploy import ready
from roles.platform.plan import asked, pending, planned
from roles.platform.step import PlatformError, Step

__all__ = ["PlatformError", "Step", "asked", "pending", "planned", "ready"]
