"""List what of ours nothing needs any more; ``--data prune=yes`` deletes it."""

from pyinfra import host
from pyinfra.api import DeployError

from roles import care

match wish := str(host.data.get("prune", "no")):
    case "no":
        care.show_unneeded(spec=host.data.spec)
    case "yes":
        care.prune(spec=host.data.spec)
    case _:
        raise DeployError(f"prune: {wish!r}, yes and no are right")
