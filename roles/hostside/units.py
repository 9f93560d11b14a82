"""Units that systemd knows of, asked for all at once."""

from __future__ import annotations

import bus
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Tuple

    Rows = List[List[str]]

_SERVICE = ".service"
_JOBS, _INSTANCES = places.JOB_UNIT + "*" + _SERVICE, "metalserve-*@*" + _SERVICE


def seen() -> Tuple[List[str], Dict[str, str]]:
    """
    Return the names of jobs of ours at work, and the units of instances that are not at rest with
    how each is: ``active`` when it is up and ready, else as in ``failed`` or ``activating
    (auto-restart)``.

    :raises OSError: systemctl is not there, or does not tell
    """
    rows = _listed("what runs", _JOBS, _INSTANCES)
    at_work = [row for row in rows if row[0].startswith(places.JOB_UNIT)]
    return _names(at_work), _states([row for row in rows if row not in at_work])


def jobs() -> List[str]:
    """
    Return the names of jobs of ours at work.

    :raises OSError: systemctl is not there, or does not tell
    """
    return _names(_listed("the jobs at work", _JOBS))


def _states(rows: Rows) -> Dict[str, str]:
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
    rows = _listed("which instances run", _INSTANCES)
    return [name for name, _, state, *_ in rows if state not in ("inactive", "failed")]


def _names(rows: Rows) -> List[str]:
    return [row[0][len(places.JOB_UNIT) : -len(_SERVICE)] for row in rows]


def _listed(what: str, *patterns: str) -> Rows:
    """Return name, load and state of the units that are not at rest."""
    try:
        (found,) = bus.answers(bus.units(*patterns))
    except OSError:
        return _listed_by_tool(what, *patterns)
    # As the tool chooses and sorts them.
    rows = [
        [name, load, state, more]
        for name, _, load, state, more, follows, _, job, *_ in found
        if job or (state != "inactive" and not follows)
    ]
    return sorted(rows, key=lambda row: row[0].lower())


def _listed_by_tool(what: str, *patterns: str) -> Rows:
    # Where the bus answers nothing needs what runs programs.
    import subprocess

    command = ["systemctl", "list-units", "--plain", "--no-legend", *patterns]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if said.returncode:
        raise OSError("systemctl does not tell {}".format(what))
    return [row.split() for row in said.stdout.splitlines() if row]
