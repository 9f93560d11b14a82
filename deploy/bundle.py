"""All that hosts without internet need: ``--data inventory=FILE --data folder=DIR``."""

from pyinfra import host
from pyinfra.api import DeployError

from roles import bundle

match wish := str(host.data.get("verify", "no")):
    case "no":
        bundle.make(data=host.data.dict())
    case "yes":
        bundle.verify(data=host.data.dict())
    case _:
        raise DeployError(f"verify: {wish!r}, yes and no are right")
