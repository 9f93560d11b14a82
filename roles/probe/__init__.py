"""What each host is, has and runs, asked once a run."""

from roles.probe.deploy import holds, of
from roles.probe.facts import Probe

__all__ = ["Probe", "holds", "of"]
