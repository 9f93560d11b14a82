"""Ask the fleet what it runs, and tell it: as a table, as a page, as JSON."""

from gevent.lock import RLock
from pyinfra import state

from roles import report
from roles.status import fleet, page, told

_asking = RLock()
_shown: list[fleet.Fleet] = []


def show() -> None:
    """
    Ask every host once, whichever comes first here, and tell of all.

    :raises DeployError: a file that was asked for cannot be written
    """
    with _asking:
        if not _shown:
            seen = fleet.ask(state, report.inventory(state))
            _shown.append(seen)
            wishes = state.inventory.get_override_data()
            told.table(seen)
            if file := wishes.get("status"):
                told.write(str(file), told.as_json(seen))
            if file := wishes.get("page"):
                told.write(str(file), page.of(seen))
