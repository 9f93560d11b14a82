"""Questions to running servers."""

from roles.check.deploy import ask, ask_offline
from roles.check.table import answers

__all__ = ["answers", "ask", "ask_offline"]
