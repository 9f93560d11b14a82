"""The machine that a run is started on: what it needs there to be of use to many hosts."""

from roles.control import stopping
from roles.control.arguments import know_arguments
from roles.control.asked import refuse_unknown
from roles.control.begun import when_begun
from roles.control.connections import allow_connections
from roles.control.connectors import know_connectors
from roles.control.lines import know_lines
from roles.control.match_exec import run_match_exec
from roles.control.memory import keep_memory
from roles.control.named import deploys
from roles.control.quick import quicken_connections
from roles.control.quiet import quiet_ssh

__all__ = [
    "allow_connections",
    "deploys",
    "keep_memory",
    "know_arguments",
    "know_connectors",
    "know_lines",
    "quicken_connections",
    "quiet_ssh",
    "refuse_unknown",
    "run_match_exec",
    "stopping",
    "when_begun",
]
