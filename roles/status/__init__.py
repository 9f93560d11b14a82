"""What the whole fleet runs, how well, and what was done to it; changes nothing."""

from roles.status.deploy import begin, show

__all__ = ["begin", "show"]
