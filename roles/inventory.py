"""What an inventory file says of its hosts, without pyinfra, which reads one a run."""

import runpy
from pathlib import Path

from roles.spec import HostSpec


def specs(file: Path) -> dict[str, HostSpec]:
    """
    Return the spec of every host that has one, by name; every public list is a group, as for
    pyinfra.

    :raises SpecError: it contradicts itself
    """
    found: dict[str, HostSpec] = {}
    for name, value in runpy.run_path(str(file)).items():
        if not name.startswith("_") and isinstance(value, list):
            found |= {
                host: data["spec"]
                for host, data in (pair for pair in value if isinstance(pair, tuple))
                if isinstance(data.get("spec"), HostSpec)
            }
    return found
