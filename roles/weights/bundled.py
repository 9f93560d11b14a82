"""What brings weights into a bundle: the plan of a fetch by the control machine itself."""

from typing import Any

from roles import paths
from roles.spec import Bundle, Folder, Weights
from roles.weights import sources


def bundled(weights: Weights, *, folder: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return the plan for one bundle, and what shows who asks, by source.

    :param folder: the bundle's
    :raises SecretError: a token or key is not to be had
    """
    # A bundle is no source of itself.
    asked = [source for source in weights.sources if not isinstance(source, Bundle)]
    planned = [
        sources.planned(
            source,
            part=paths.weights(weights, root="weights"),
            incoming=str(source.path.absolute()) if isinstance(source, Folder) else "",
        )
        for source in asked
    ]
    plan = {
        "name": weights.name,
        "model": True,
        "folder": paths.weights(weights, root=paths.bundled(folder, "weights")),
        "sources": planned,
        "files": [file.model_dump() for file in weights.files],
    }
    return plan, {str(n): one for n, source in enumerate(asked) if (one := sources.shown(source))}
