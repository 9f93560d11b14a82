"""Numbers as people read them."""

from __future__ import annotations


def size(count: float) -> str:
    """Return bytes as people read them."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return "{:.0f} {}".format(count, unit)
        count /= 1024
    return "{:.1f} GiB".format(count)


def duration(seconds: float) -> str:
    """Return seconds as people read them."""
    if seconds < 90:
        return "{:.0f} s".format(seconds)
    if seconds < 5400:
        return "{:.0f} min".format(seconds / 60)
    return "{:.1f} h".format(seconds / 3600)
