"""Bring instances to their releases."""

from pyinfra.api import deploy

from roles.release import operations
from roles.release.before import EVERY, Wish
from roles.release.release import Release
from roles.spec import HostSpec


@deploy("Stage")
def stage(spec: HostSpec) -> None:
    """Lay out each instance's release beside the one that serves."""
    for instance in spec.instances:
        release = Release(spec=spec, instance=instance)
        operations.laid_out_release(name=f"Stage {instance.name} {release.name}", release=release)


@deploy("Activate")
def activate(spec: HostSpec) -> None:
    """Switch each instance to its release; what served before serves again if that fails."""
    wanted = [instance.name for instance in spec.instances]
    operations.known_instances(name="Look for instances that no spec wants", wanted=wanted)
    for instance in spec.instances:
        release = Release(spec=spec, instance=instance)
        operations.serving_release(name=f"Activate {instance.name} {release.name}", release=release)


@deploy("Roll back")
def roll_back(spec: HostSpec, wish: Wish = EVERY) -> None:
    """Switch each instance to the release that served before; ``Wish`` says which, and to what."""
    for instance in spec.instances:
        operations.release_before(
            name=f"Roll back {instance.name}", instance=instance, python=spec.python, wish=wish
        )
