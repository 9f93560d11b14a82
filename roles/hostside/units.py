"""Units that systemd knows of, asked for all at once."""

from __future__ import annotations

import subprocess
from typing import Dict, List

_JOB, _SERVICE = "metalserve-job-", ".service"


def jobs() -> List[str]:
    """
    Return the names of jobs of ours at work.

    :raises OSError: systemctl is not there, or does not tell
    """
    rows = _listed(_JOB + "*" + _SERVICE, "the jobs at work")
    return [row[0][len(_JOB) : -len(_SERVICE)] for row in rows]


def states() -> Dict[str, str]:
    """
    Return the units of instances that are not at rest, and how each is: ``active`` when it is up
    and ready, else as in ``failed`` or ``activating (auto-restart)``.

    :raises OSError: systemctl is not there, or does not tell
    """
    rows = _listed("metalserve-*@*" + _SERVICE, "which instances are up")
    return {name: _how(state, more) for name, _, state, more, *_ in rows}


def _how(state: str, more: str) -> str:
    return state if state == "active" or more == state else "{} ({})".format(state, more)


def instance(unit: str) -> str:
    """Return the name of the instance that a unit is of."""
    return unit.partition("@")[2][: -len(_SERVICE)]


def running() -> List[str]:
    """
    Return the units of instances that may have processes, ready or not.

    :raises OSError: systemctl is not there, or does not tell
    """
    rows = _listed("metalserve-*@*" + _SERVICE, "which instances run")
    return [name for name, _, state, *_ in rows if state not in ("inactive", "failed")]


def _listed(pattern: str, what: str) -> List[List[str]]:
    """Return name, load and state of the units that are not at rest."""
    command = ["systemctl", "list-units", "--plain", "--no-legend", pattern]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if said.returncode:
        raise OSError("systemctl does not tell {}".format(what))
    return [row.split() for row in said.stdout.splitlines() if row]
