"""Weights on a host: every file as its manifest pins it."""

from roles.weights.deploy import bring

__all__ = ["bring"]
