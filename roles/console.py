"""Where tables for people go: the terminal, or a file of a width that they fit into."""

from typing import TYPE_CHECKING

# What draws is imported with the first table: most runs show none, and it takes long to come.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def console(file_width: int | None = None) -> "Console":
    """
    Return the console of what a host says, which may hold anything: it is neither markup nor
    pictures.

    :param file_width: columns where it is no terminal; rich's own unless given
    """
    from rich.console import Console

    found = Console(stderr=True, markup=False, emoji=False, highlight=False)
    if file_width and not found.is_terminal:
        found.width = file_width
    return found


def new_table(*columns: str, title: str | None = None) -> "Table":
    """Return an empty table, to be shown on ``console``."""
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left")
