"""How a measurement is told: where and when it was made, and how far its values lie apart."""

import os
from datetime import UTC, datetime
from statistics import median

from roles.lab import places
from roles.lab.command import run


def machine() -> str:
    """Return when, on what and beside what a measurement is made; say it before it begins."""
    commit = run("git", "-C", places.REPOSITORY, "describe", "--always", "--dirty").strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} before; median (minimum–maximum)."
    )


def spread(values: list[float], form: str) -> str:
    """Return median, minimum and maximum."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"
