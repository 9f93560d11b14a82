"""Engines: a stack on disk, and what an instance of each engine runs."""

from roles.engine.deploy import install
from roles.engine.operations import INSTALLER
from roles.engine.rendering import STARTED, File, in_flight, render, unit_file

__all__ = ["INSTALLER", "STARTED", "File", "in_flight", "install", "render", "unit_file"]
