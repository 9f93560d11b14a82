"""Take hosts out of rotation: ``--limit HOST --data why=WORDS``; ``quarantine=end`` ends it."""

from pyinfra import host
from pyinfra.api import DeployError

from roles import quarantine

match wish := str(host.data.get("quarantine", "begin")):
    case "begin":
        quarantine.begin(spec=host.data.spec, why=host.data.get("why"))
    case "end":
        quarantine.end(spec=host.data.spec)
    case _:
        raise DeployError(f"quarantine: {wish!r}, begin and end are right")
