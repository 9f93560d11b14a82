"""Hosts that are asked as soon as each is there, while the others are still being connected to."""

import gevent
from pyinfra.api import Host, State
from pyinfra.api.state import BaseStateCallback
from pyinfra.context import ctx_state

from roles import control
from roles.probe.deploy import ahead
from roles.spec import HostSpec

# They refuse a whole fleet that nobody named before they ask anything of it.
_LATER = ("decommission.py", "quarantine.py")


def begin() -> None:
    """Have every host of this run that has a spec asked when it is connected to."""
    deploys = control.deploys()
    if deploys and all(one.name not in _LATER for one in deploys):
        state: State = ctx_state.get()
        control.when_begun(state, lambda: state.add_callback_handler(_Early()))


class _Early(BaseStateCallback):
    def host_connect(self, state: State, host: Host) -> None:  # type: ignore[override]
        """See ``BaseStateCallback``. Not here: pyinfra notes only after this that it is there."""
        if isinstance(host.data.get("spec"), HostSpec):
            gevent.spawn(ahead, host)
