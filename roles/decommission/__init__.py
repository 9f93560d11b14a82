"""Hosts, and parts of them, that nothing of ours is to be left of."""

from roles.decommission.deploy import decommission

__all__ = ["decommission"]
