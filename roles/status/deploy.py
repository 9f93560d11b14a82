"""Ask the fleet what it runs, and tell it: as a table, as a page, as JSON."""

from typing import TYPE_CHECKING

import click
from gevent.lock import RLock
from pyinfra import state
from pyinfra.api import DeployError
from pyinfra.api.output import echo

from roles import control, output, report

if TYPE_CHECKING:
    from roles.status import fleet

_DEPLOY = "status.py"
_WHAT = "what runs where"
_asking = RLock()
_shown: list["fleet.Fleet"] = []


def begin() -> None:
    """Have this run tell of the fleet, if that is what it is for, when no host can be reached."""
    if any(deploy.name == _DEPLOY for deploy in control.deploys()):
        click.get_current_context().call_on_close(_show_silent)


def show() -> None:
    """
    Ask every host once, whichever comes first here, and tell of all.

    :raises DeployError: a file that was asked for cannot be written
    """
    # Every run looks here whether it is for this; what this needs is imported by those that are.
    from roles.status import fleet, page, told

    with _asking:
        if not _shown:
            seen = fleet.ask(state, report.inventory(state))
            _shown.append(seen)
            wishes = state.inventory.get_override_data()
            told.table(seen)
            if file := wishes.get("status"):
                output.write(str(file), told.as_json(seen), what=_WHAT)
            if file := wishes.get("page"):
                output.write(str(file), page.of(seen), what=_WHAT)


def _show_silent() -> None:
    """Tell of a fleet of which nobody answers: pyinfra runs no deploy then."""
    if state.initialised and not state.activated_hosts:
        try:
            show()
        except DeployError as error:
            echo(str(error), err=True)
