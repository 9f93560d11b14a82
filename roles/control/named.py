"""The deploys that a run is told by name."""

from pathlib import Path

import click


def deploys() -> list[Path]:
    """Return the files of deploys that this run is of; none when it is of anything else."""
    words = [Path(word) for word in click.get_current_context().params["operations"]]
    return words if all(word.suffix == ".py" for word in words) else []
