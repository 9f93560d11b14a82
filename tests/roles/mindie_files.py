"""What MindIE ships, with some of its keys changed."""

import copy
from typing import Any

from tests.standins.mindie import shipped

ABSENT = object()
MODEL = "BackendConfig.ModelDeployConfig.ModelConfig.0"


def changed(changes: dict[str, Any], version: str = "3.0.0") -> dict[str, Any]:
    """Return a shipped file with other values at these paths; ``ABSENT`` drops a key."""
    file = copy.deepcopy(shipped.document(version))
    for path, value in changes.items():
        *parents, name = path.split(".")
        holder: Any = file
        for parent in parents:
            holder = holder[int(parent) if parent.isdigit() else parent]
        if value is ABSENT:
            del holder[name]
        else:
            holder[name] = value
    return file
