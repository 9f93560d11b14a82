"""Weights from host to host: asked of their sources once, then given by each to all others."""

from roles.weights.spread.members import Swarm, swarm

__all__ = ["Swarm", "swarm"]
