"""Torch, as far as it starts other programs."""

__version__ = "2.1.0"
