"""The inventory that is to be bundled."""

from pathlib import Path

from roles import inventory
from roles.bundle.asked import BundleError
from roles.spec import HostSpec


def specs(file: Path) -> dict[str, HostSpec]:
    """
    Return the spec of every host, by name.

    :raises BundleError: there is no such file, or no host in it
    :raises SpecError: it contradicts itself
    """
    if not file.is_file():
        raise BundleError(f"inventory: {file} does not exist, as in inventories/prod.py")
    found = inventory.specs(file)
    if not found:
        raise BundleError(f"inventory: {file} has no host with a spec")
    return found
