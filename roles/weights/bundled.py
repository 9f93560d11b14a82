"""What brings weights into a bundle: the plan of a fetch by the control machine itself."""

from typing import Any

from roles import paths
from roles.spec import Weights
from roles.weights import sources


def bundled(weights: Weights, *, folder: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return the plan for one bundle, and what shows who asks, by source.

    :param folder: the bundle's
    :raises SecretError: a token or key is not to be had
    """
    planned, shown = sources.gathered(weights.sources, part=paths.weights(weights, root="weights"))
    plan = {
        "name": weights.name,
        "model": True,
        "folder": paths.weights(weights, root=paths.bundled(folder, "weights")),
        "sources": planned,
        "files": weights.listed,
    }
    return plan, shown
