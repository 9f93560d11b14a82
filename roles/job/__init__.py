"""Our own scripts on a host; the long ones as jobs that outlive the connection."""

from roles.job.connection import again, lost, made_again, tune
from roles.job.program import ELSEWHERE, FOLDER, files, program, there
from roles.job.run import Commands, commands, connector_arguments, refusal, script, sent, shown

__all__ = [
    "ELSEWHERE",
    "FOLDER",
    "Commands",
    "again",
    "commands",
    "connector_arguments",
    "files",
    "lost",
    "made_again",
    "program",
    "refusal",
    "script",
    "sent",
    "shown",
    "there",
    "tune",
]
