"""Real systemd hosts on this machine: ``--data lab=up``, ``down`` or ``destroy``."""

from pyinfra import host

from roles import lab

named = lab.Lab(str(host.data.get("name", "lab")))
match wish := host.data.get("lab", "up"):
    case "up":
        lab.up(lab=named, count=host.data.get("hosts", 2))
    case "down":
        lab.down(lab=named)
    case "destroy":
        lab.destroy(lab=named)
    case _:
        raise lab.LabError(f"lab: {wish!r}, up, down and destroy are right")
