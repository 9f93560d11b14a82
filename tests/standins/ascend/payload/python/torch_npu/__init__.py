"""Torch on NPUs."""
