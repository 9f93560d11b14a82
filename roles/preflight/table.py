"""Tables of facts that change with the vendors' releases; each names its source."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("tables")


@cache
def read(name: str) -> dict[str, Any]:
    """Return one table. Versions in it are strings."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return found
