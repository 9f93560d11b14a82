"""Engines: a stack on disk, and what an instance of each engine runs."""

from roles.engine.deploy import install
from roles.engine.rendering import File, in_flight, render, unit_file

__all__ = ["File", "in_flight", "install", "render", "unit_file"]
