"""What each host is, has and runs, asked once a run."""

from roles.probe.deploy import ask, drift, holds, of, renew, renewed
from roles.probe.early import begin
from roles.probe.facts import CARRIED, Probe, silent

__all__ = ["CARRIED", "Probe", "ask", "begin", "drift", "holds", "of", "renew", "renewed", "silent"]
