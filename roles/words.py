"""What is told of many in a few words."""

from collections.abc import Sequence


def few(names: Sequence[str], *, most: int) -> str:
    """Return names with commas; of more than ``most`` the first of them, and how many there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
