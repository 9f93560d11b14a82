"""For what is done to hosts that are named, and to no fleet by a slip."""

from pyinfra import state
from pyinfra.api import DeployError

from roles import report


def refuse_all(what: str) -> None:
    """
    Refuse a run that was not told which hosts it is for.

    :raises DeployError: there was no ``--limit``
    """
    if not report.limited(state):
        raise DeployError(
            f"{what} is for hosts that are named: run again with --limit HOST; nothing was changed "
            "on any host"
        )
