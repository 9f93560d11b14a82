"""What bringing weights to a host leaves there, by name and digest."""

from roles import paths
from roles.spec import Weights
from roles.spec.base import digest


def receipt(weights: Weights, *, root: str) -> tuple[str, str]:
    """Return phase and digest of the receipt: of these files, in their folder below ``root``."""
    folder = paths.weights(weights, root=root)
    return f"weights-{weights.name}-{weights.digest[:12]}", digest([weights.digest, folder])
