"""Questions to running servers."""

from roles.check.deploy import ask, ask_offline

__all__ = ["ask", "ask_offline"]
