"""Engines: a stack on disk, and what an instance of each engine runs."""

from roles.engine.deploy import install
from roles.engine.file import File
from roles.engine.metrics import health_page, metric_names
from roles.engine.mindie import planes
from roles.engine.mindie_settings import foreseen
from roles.engine.operations import INSTALLER, packages
from roles.engine.rendering import STARTED, rendered, unit_file

__all__ = [
    "INSTALLER",
    "STARTED",
    "File",
    "foreseen",
    "health_page",
    "install",
    "metric_names",
    "packages",
    "planes",
    "rendered",
    "unit_file",
]
