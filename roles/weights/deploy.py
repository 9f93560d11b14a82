"""Bring weights to a host."""

from pyinfra.api import deploy

from roles.spec import HostSpec
from roles.weights import operations
from roles.weights.served import Served


@deploy("Bring weights")
def bring(spec: HostSpec) -> None:
    """Bring each model revision that an instance of the host needs, once; make what it reads."""
    for weights in {i.weights.digest: i.weights for i in spec.instances}.values():
        operations.model_files(
            name=f"Bring {weights.name} {weights.digest[:12]}",
            weights=weights,
            onto=spec,
        )
    made = [one for i in spec.instances for one in Served(i, spec.weights_root).made]
    for one in {step.folder: step for step in made}.values():
        operations.made_files(name=one.title, made=one, python=spec.python)
