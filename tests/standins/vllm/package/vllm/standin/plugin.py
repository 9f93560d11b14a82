"""What another package makes of vLLM: the platform that it brings."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from . import journal


def platform() -> Any:
    """Return the platform of a plugin; ``None`` on a CPU."""
    for plugin in entry_points(group="vllm.platform_plugins"):
        path = plugin.load()()
        if path:
            journal.engine(f"Platform plugin {plugin.name} is activated")
            module, _, name = path.rpartition(".")
            return getattr(importlib.import_module(module), name)
    return None
