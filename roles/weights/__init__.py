"""Weights on a host: every file as its manifest pins it."""

from roles.weights.bundled import bundled
from roles.weights.compressed import DESCRIPTIONS, FLOAT
from roles.weights.deploy import bring
from roles.weights.fetch import carry
from roles.weights.owned import WANTED_BY
from roles.weights.patch import PatchError
from roles.weights.patched import quantization
from roles.weights.receipt import receipt
from roles.weights.served import Served
from roles.weights.sources import gathered, planned
from roles.weights.spread.operations import PYTHONS as SPREADER_PYTHONS
from roles.weights.spread.operations import TOOL as SPREADER

__all__ = [
    "DESCRIPTIONS",
    "FLOAT",
    "SPREADER",
    "SPREADER_PYTHONS",
    "WANTED_BY",
    "PatchError",
    "Served",
    "bring",
    "bundled",
    "carry",
    "gathered",
    "planned",
    "quantization",
    "receipt",
]
