"""A fleet that comes to other releases: in waves, through a gate, with enough of it serving."""

from roles.fleet.deploy import activate, roll_back

__all__ = ["activate", "roll_back"]
