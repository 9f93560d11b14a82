"""Take hosts out of rotation, and let them in again."""

from pyinfra.api import DeployError, deploy

from roles import limit
from roles.quarantine import operations
from roles.spec import HostSpec


@deploy("Quarantine")
def begin(spec: HostSpec, why: object) -> None:
    """
    Take every instance of a host out of rotation.

    :raises DeployError: nobody said which hosts, or why
    """
    limit.refuse_all("a quarantine")
    if not (told := str(why or "").strip()):
        raise DeployError(
            'why is missing, --data why="a fan is loud" is right; nothing was changed on any host'
        )
    operations.quarantined_host(name=f"Quarantine: {told}", why=told, python=spec.python)


@deploy("Quarantine")
def end(spec: HostSpec) -> None:
    """
    Let every instance of a host into rotation again.

    :raises DeployError: nobody said which hosts
    """
    limit.refuse_all("the end of a quarantine")
    operations.free_host(name="End the quarantine", python=spec.python)
