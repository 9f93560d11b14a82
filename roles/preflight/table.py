"""Tables of facts that change with the vendors' releases; each names its source."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("tables")


@cache
def read(name: str) -> dict[str, Any]:
    """Return one table. Versions in it are strings."""
    # The loader in C takes a tenth of the time; a build of PyYAML need not have it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((FOLDER / f"{name}.yaml").read_text(), loader)  # noqa: S506
    return found
