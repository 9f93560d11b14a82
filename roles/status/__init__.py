"""What the whole fleet runs, how well, and what was done to it; changes nothing."""

from roles.status.deploy import show

__all__ = ["show"]
