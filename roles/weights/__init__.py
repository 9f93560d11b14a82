"""Weights on a host: every file as its manifest pins it."""

from roles.weights.bundled import bundled
from roles.weights.deploy import bring
from roles.weights.patch import PatchError
from roles.weights.receipt import receipt
from roles.weights.served import Served

__all__ = ["PatchError", "Served", "bring", "bundled", "receipt"]
