"""Hubs, asked from the control machine: what a revision consists of, pinned for inventories."""

from roles.hub.deploy import pin

__all__ = ["pin"]
