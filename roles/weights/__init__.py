"""Weights on a host: every file as its manifest pins it."""

from roles.weights.deploy import bring
from roles.weights.receipt import receipt

__all__ = ["bring", "receipt"]
