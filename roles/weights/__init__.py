"""Weights on a host: every file as its manifest pins it."""

from roles.weights.deploy import bring
from roles.weights.patch import PatchError
from roles.weights.receipt import receipt
from roles.weights.served import Served
from roles.weights.sources import planned

__all__ = ["PatchError", "Served", "bring", "planned", "receipt"]
