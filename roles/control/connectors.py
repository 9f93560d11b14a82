"""Connectors that pyinfra knows."""

from functools import cache

from pyinfra.api import connectors, inventory


def know_connectors() -> None:
    """
    Have pyinfra look for connectors once: it does for every inventory and every ``@`` host, among
    all packages that are installed.
    """
    known = cache(connectors.get_all_connectors)
    connectors.get_all_connectors = inventory.get_all_connectors = known
