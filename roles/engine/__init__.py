"""Engines: a stack on disk, and what an instance of each engine runs."""

from roles.engine.deploy import install
from roles.engine.file import File
from roles.engine.rendering import STARTED, counted_every_s, in_flight, render, unit_file

__all__ = ["STARTED", "File", "counted_every_s", "in_flight", "install", "render", "unit_file"]
