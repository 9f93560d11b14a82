"""A plan on its way: whose turn it is, who has failed, and when no more are begun."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gevent import GreenletExit
from gevent.event import Event

from roles import control
from roles.fleet.plan import Plan
from roles.fleet.waves import CANARY, FRESH
from roles.release import Move

_LOOK_EVERY_S = 1.0
_MOST = 3
_STOPPED = "stopped as you asked; run again to go on from here"


class NotBegunError(Exception):
    """A host is not begun, and why."""


@dataclass
class Turn:
    """
    A host's turn.

    :param done: the moves that were made
    :param well: whether those are all
    :param why: what was not well
    :param serves: what was seen to serve there afterwards, if something was not well
    """

    done: list[Move] = field(default_factory=list)
    well: bool = False
    why: str = "it was lost"
    serves: Counter[str] = field(default_factory=Counter)


class Rollout:
    """
    What came of a plan so far. Hosts ask for their turn at the same time, and one that waits waits
    for hosts at work alone: those that pyinfra has not begun may be waiting for it to end.

    :param until: after which wave to stop, by its number or as ``canary``; empty: after the last
    """

    def __init__(self, plan: Plan, until: str = "") -> None:
        self.plan, self.until = plan, until
        # By model; and by host.
        self.serves = Counter[str]()
        self._of: dict[str, Counter[str]] = {}
        for name, one in plan.members.items():
            self._keep(name, Counter(one.serves))
        self.failed: dict[str, str] = {}
        self.not_begun: dict[str, str] = {}
        self.paused: dict[str, str] = {}
        self.switched: dict[str, list[Move]] = {}
        self._out: dict[frozenset[str], frozenset[str]] = {}
        self._at_work = Counter[frozenset[str]]()
        self._changed = Event()
        self._disordered = False
        self._ended = 0.0

    @property
    def over_budget(self) -> bool:
        """Whether more hosts have failed than may."""
        return len(self.failed) > self.plan.fleet.failures

    @property
    def goes_back(self) -> bool:
        """Whether what was switched is to go back in the end, should the rest be refused."""
        return self.plan.fleet.on_refusal == "back"

    def closed(self, name: str) -> str:
        """Return why a host may not be begun any more; empty while it may."""
        if control.stopping.asked():
            return _STOPPED
        # Where nothing serves there is nothing to protect.
        if self.over_budget and self._title(name) != FRESH:
            count, first = len(self.failed), list(self.failed.items())[:_MOST]
            hosts = "1 host" if count == 1 else f"{count} hosts"
            each = "; ".join(f"{failed}: {why}" for failed, why in first)
            each += f"; and {count - _MOST} more" if count > _MOST else ""
            return (
                f"{hosts} failed ({each}), the budget is {self.plan.fleet.failures}; nothing was "
                "changed here; look there first, then run again"
            )
        return ""

    def refusal(self, name: str, failed: Iterable[str]) -> str:
        """
        Return why a host whose wave is due is not begun, and keep it; empty if it may be.

        :param failed: hosts that pyinfra counts as failed
        """
        for one in failed:
            if self.plan.wave_of(one) and not self._over(one):
                self.failed[one] = "failed before its turn"
        if why := self.closed(name) or self._early(name):
            self.not_begun[name] = why
        elif self._past(name):
            wave, of = self.plan.wave_of(name), len(self.plan.waves)
            why = f"paused before wave {wave} of {of}, as you asked; run again to go on"
            self.paused[name] = why
        return why

    def untouched(self, name: str) -> str:
        """Return why a host was not begun; empty if it was, or had nothing to do."""
        if why := self.not_begun.get(name) or self.paused.get(name):
            return why
        waits = self.plan.wave_of(name) and not self._over(name)
        return _STOPPED if waits and control.stopping.asked() else ""

    def wrong(self, name: str) -> str:
        """Return what is wrong with a host in the end, empty if nothing is."""
        if name in self.failed:
            return f"failed: {self.failed[name]}"
        if name in self.not_begun:
            return f"not begun: {self.not_begun[name]}"
        return self.plan.members[name].refused

    def back(self, name: str) -> list[Move]:
        """Return the way back of what was switched on a host, the last first, if it is to go."""
        made = self.switched.get(name, ()) if self.goes_back and self.over_budget else ()
        return [move.back for move in reversed(made) if move.back]

    def settled_in_s(self) -> float:
        """Return for how long the last wave has to have ended before the next begins."""
        return self._ended + self.plan.fleet.settle_s - time.monotonic()

    def fail(self, name: str, why: str, serves: Counter[str]) -> None:
        """Count a host as failed, with what was seen to serve there."""
        several = len(self.plan.waves) > 1
        self.failed[name] = f"in wave {self.plan.wave_of(name)}, {why}" if several else why
        self._keep(name, serves)

    @contextmanager
    def turn(self, name: str, moves: list[Move], *, back: bool = False) -> Iterator[Turn]:
        """
        Wait until a host may be taken out to make ``moves``, and count it as out meanwhile.

        :param back: whether it goes back, for which it does not matter who has failed
        :raises NotBegunError: it may not be
        """
        if not back:
            # It is tried again, as pyinfra's --retry does.
            self.failed.pop(name, None)
        unit = self.plan.unit(name)
        interrupted = self._interrupted(name, moves)
        if unit not in self._out:
            self._wait(name, interrupted, back=back)
            self._out[unit] = interrupted
        # Who serves together with a host at work goes with it.
        self._at_work[unit] += 1
        turn = Turn()
        try:
            yield turn
        finally:
            self._at_work[unit] -= 1
            if not self._at_work[unit]:
                del self._out[unit]
            self._end(name, turn)
            if not back:
                self.switched[name] = turn.done
            self._ended = time.monotonic()
            changed, self._changed = self._changed, Event()
            changed.set()

    def _wait(self, name: str, interrupted: frozenset[str], *, back: bool) -> None:
        unit = self.plan.unit(name)
        while unit not in self._out:
            if not back and (why := self.closed(name)):
                raise NotBegunError(why)
            serves = self.serves.copy()
            serves.subtract(model for models in self._out.values() for model in models)
            short = self.plan.short(interrupted, serves)
            if not short:
                return
            if not self._out:
                raise NotBegunError(short)
            try:
                self._changed.wait(_LOOK_EVERY_S)
            except GreenletExit:
                raise NotBegunError(_STOPPED) from None

    def _interrupted(self, name: str, moves: list[Move]) -> frozenset[str]:
        """Return the models of which one instance is out at a time meanwhile."""
        planned, unit = [*moves], self.plan.unit(name)
        for other in unit - {name}:
            planned += self.plan.members[other].moves
        models = {one.interrupts for one in planned if one.interrupts}
        return frozenset(model for model in models if any(self._of[one][model] for one in unit))

    def _end(self, name: str, turn: Turn) -> None:
        """Keep what came of a turn."""
        if not turn.well:
            self.fail(name, turn.why, turn.serves)
            return
        serves = self._of[name].copy()
        serves.subtract(one.interrupts for one in turn.done if one.interrupts)
        serves.update(one.brings for one in turn.done if one.brings)
        self._keep(name, serves)

    def _keep(self, name: str, serves: Counter[str]) -> None:
        """Count what serves on a host."""
        self.serves.subtract(self._of.get(name, {}))
        self.serves.update(serves)
        self._of[name] = serves

    def _early(self, name: str) -> str:
        """Return why a host is begun too early, where that matters."""
        before = self.plan.waves[: (self.plan.wave_of(name) or 1) - 1]
        if not all(self._over(one) for wave in before for one in wave.hosts):
            self._disordered = True
        if self._disordered and self.goes_back:
            return (
                "the waves before are not over, and nothing could go back; leave --serial out, "
                "with which hosts are taken in no order"
            )
        return ""

    def _past(self, name: str) -> bool:
        """Say whether the operator wanted to stop before the wave of a host."""
        if self.until == CANARY:
            return self._title(name) not in (FRESH, CANARY)
        return bool(self.until) and (self.plan.wave_of(name) or 0) > int(self.until)

    def _over(self, name: str) -> bool:
        return any(name in one for one in (self.switched, self.failed, self.not_begun, self.paused))

    def _title(self, name: str) -> str:
        return self.plan.waves[(self.plan.wave_of(name) or 1) - 1].title
