"""Where tables for people go: the terminal, or a file of a width that they fit into."""

from rich.console import Console


def console(file_width: int | None = None) -> Console:
    """
    Return the console of what a host says, which may hold anything: it is neither markup nor
    pictures.

    :param file_width: columns where it is no terminal; rich's own unless given
    """
    found = Console(stderr=True, markup=False, emoji=False, highlight=False)
    if file_width and not found.is_terminal:
        found.width = file_width
    return found
