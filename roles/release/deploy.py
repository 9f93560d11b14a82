"""Bring releases to hosts; ``roles.fleet`` has them serve."""

from pyinfra.api import deploy

from roles.release import operations
from roles.release.release import Release
from roles.spec import HostSpec


@deploy("Stage")
def stage(spec: HostSpec) -> None:
    """Lay out each instance's release beside the one that serves."""
    for instance in spec.instances:
        release = Release(spec=spec, instance=instance)
        operations.laid_out_release(name=f"Stage {instance.name} {release.name}", release=release)


def tell_unwanted(spec: HostSpec) -> None:
    """Tell of what serves on a host and is not in its spec."""
    wanted = [instance.name for instance in spec.instances]
    operations.known_instances(name="Look for instances that no spec wants", wanted=wanted)
