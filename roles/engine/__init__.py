"""Engines: a stack on disk, and what an instance of each engine runs."""

from roles.engine.deploy import install
from roles.engine.file import File
from roles.engine.rendering import STARTED, in_flight, render, unit_file

__all__ = ["STARTED", "File", "in_flight", "install", "render", "unit_file"]
