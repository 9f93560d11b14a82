"""Real systemd hosts on this machine, to try everything on and to break."""

from roles.lab.command import LabError
from roles.lab.deploy import destroy, down, up
from roles.lab.host import LabHost
from roles.lab.lab import Lab

__all__ = ["Lab", "LabError", "LabHost", "destroy", "down", "up"]
