"""Our own scripts on a host; the long ones as jobs that outlive the connection."""

from roles.job.connection import tune
from roles.job.program import FOLDER, files, program
from roles.job.run import Commands, commands, connector_arguments, refusal, script

__all__ = [
    "FOLDER",
    "Commands",
    "commands",
    "connector_arguments",
    "files",
    "program",
    "refusal",
    "script",
    "tune",
]
