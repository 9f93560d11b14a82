"""Questions to running servers."""

from roles.check.deploy import ask

__all__ = ["ask"]
