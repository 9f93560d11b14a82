"""What an inventory file says of its hosts, without pyinfra, which reads one a run."""

import runpy
from pathlib import Path

from roles.bundle.asked import BundleError
from roles.spec import HostSpec


def specs(file: Path) -> dict[str, HostSpec]:
    """
    Return the spec of every host, by name; groups are read as pyinfra reads them.

    :raises BundleError: there is no such file, or no host in it
    :raises SpecError: it contradicts itself
    """
    if not file.is_file():
        raise BundleError(f"inventory: {file} does not exist, as in inventories/prod.py")
    found: dict[str, HostSpec] = {}
    for name, value in runpy.run_path(str(file)).items():
        if not name.startswith("_") and isinstance(value, list):
            found |= {
                host: data["spec"]
                for host, data in (pair for pair in value if isinstance(pair, tuple))
                if isinstance(data.get("spec"), HostSpec)
            }
    if not found:
        raise BundleError(f"inventory: {file} has no host with a spec")
    return found
