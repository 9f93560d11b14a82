"""Bring weights to a host."""

from pyinfra.api import deploy

from roles.spec import HostSpec
from roles.weights import operations


@deploy("Bring weights")
def bring(spec: HostSpec) -> None:
    """Bring each model revision that an instance of the host needs, once."""
    for weights in {i.weights.digest: i.weights for i in spec.instances}.values():
        operations.model_files(
            name=f"Bring {weights.name} {weights.digest[:12]}",
            weights=weights,
            root=spec.weights_root,
            python=spec.python,
        )
