"""Torch, as far as it is there."""
