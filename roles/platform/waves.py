"""
Hosts that serve, a few at a time: when one fails, no further one is begun.

Hosts that serve an instance together stand still together, so that they have one turn.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from gevent.lock import BoundedSemaphore
from pyinfra.api import Host, State

from roles import control
from roles.platform.step import PlatformError
from roles.spec import HostSpec, groups

Unit = tuple[str, ...]


class _Together:
    """Hosts that have one turn: how many of them are at work, and who begins or ends it."""

    def __init__(self) -> None:
        self.at_work, self.alone = 0, BoundedSemaphore(1)


@dataclass
class _Run:
    turns: BoundedSemaphore
    units: dict[str, Unit]
    failed: list[str] = field(default_factory=list)
    together: defaultdict[Unit, _Together] = field(default_factory=lambda: defaultdict(_Together))

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Have a turn from the first host of a unit that begins to the last that ends."""
        unit = self.together[self.units.get(name, (name,))]
        with unit.alone:
            if not unit.at_work:
                self.turns.acquire()
            unit.at_work += 1
        try:
            yield
        finally:
            unit.at_work -= 1
            if not unit.at_work:
                self.turns.release()


_runs: "WeakKeyDictionary[State, _Run]" = WeakKeyDictionary()


@contextmanager
def turn(state: State, host: Host) -> Iterator[None]:
    """
    Wait for this host's turn; ``--data reboot_at_once=N`` says how many have it at a time.

    :raises PlatformError: a host before it failed, so that this one was left as it is
    """
    if state not in _runs:
        _runs[state] = _Run(BoundedSemaphore(_at_once(host)), _units(state))
    run = _runs[state]
    with run.turn(host.name):
        if control.stopping.asked():
            raise PlatformError("stopped as you asked before this host was begun")
        if run.failed:
            raise PlatformError(
                f"{', '.join(run.failed)} did not become ready, so this host was not begun, and "
                "nothing was changed on it; look there first, then run again"
            )
        try:
            yield
        except BaseException:
            run.failed.append(host.name)
            raise


def _units(state: State) -> dict[str, Unit]:
    """Return which hosts each host of a run stands still with, itself among them."""
    data = {one.name: one.data.get("spec") for one in state.inventory}
    specs = {name: spec for name, spec in data.items() if isinstance(spec, HostSpec)}
    return {name: unit for unit in groups(specs) for name in unit}


def _at_once(host: Host) -> int:
    told = host.data.get("reboot_at_once", 1)
    if not isinstance(told, int) or told < 1:
        raise PlatformError(f"reboot_at_once is {told!r}, should be a number from 1")
    return told
