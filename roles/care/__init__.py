"""Care of what lies on hosts: weights hashed again, and what nothing needs deleted."""

from roles.care.deploy import prune, show_unneeded, verify_weights

__all__ = ["prune", "show_unneeded", "verify_weights"]
