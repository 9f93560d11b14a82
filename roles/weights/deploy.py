"""Bring weights to a host."""

from pyinfra.api import deploy

from roles.spec import HostSpec
from roles.weights import operations
from roles.weights.served import Served


@deploy("Bring weights")
def bring(spec: HostSpec) -> None:
    """Bring each model revision that an instance of the host needs, once, and patch it."""
    for weights in {i.weights.digest: i.weights for i in spec.instances}.values():
        operations.model_files(
            name=f"Bring {weights.name} {weights.digest[:12]}",
            weights=weights,
            onto=spec,
        )
    root = spec.weights_root
    served = [Served(i.weights, i.stack, root) for i in spec.instances]
    for one in {model.folder: model for model in served if model.patches}.values():
        names = ", ".join(patch.name for patch in one.patches)
        operations.patched_files(
            name=f"Patch {one.weights.name} for {one.stack.name}: {names}",
            served=one,
            python=spec.python,
        )
