"""A plan on its way: whose turn it is, who has failed, and when no more are begun."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gevent.event import Event

from roles import platform
from roles.fleet.plan import CANARY, FRESH, Plan
from roles.release import Move
from roles.spec import OnRefusal

_LOOK_EVERY_S = 1.0


class NotBegunError(Exception):
    """A host is not begun, and why."""


@dataclass
class Turn:
    """
    A host's turn.

    :param done: the moves that were made
    :param well: whether those are all
    :param serves: what was seen to serve there afterwards, if something was not well
    """

    done: list[Move] = field(default_factory=list)
    well: bool = False
    serves: Counter[str] = field(default_factory=Counter)


class Rollout:
    """
    What came of a plan so far. Hosts ask for their turn at the same time, and one that waits waits
    for hosts at work alone: those that pyinfra has not begun may be waiting for it to end.

    :param until: after which wave to stop, by its number or as ``canary``; empty: after the last
    """

    def __init__(self, plan: Plan, until: str = "") -> None:
        self.plan, self.until = plan, until
        self.serves = {name: Counter(one.serves) for name, one in plan.members.items()}
        self.failed: dict[str, str] = {}
        self.not_begun: dict[str, str] = {}
        self.paused: set[str] = set()
        self._made: dict[str, list[Move]] = {}
        self._out: dict[str, frozenset[str]] = {}
        self._changed = Event()

    @property
    def closed(self) -> str:
        """Why no further host is begun; empty while one may be."""
        if platform.stopping.asked():
            return "stopped as you asked; run again to go on from here"
        if self.over_budget:
            hosts = "1 host" if len(self.failed) == 1 else f"{len(self.failed)} hosts"
            each = "; ".join(f"{name}: {why}" for name, why in self.failed.items())
            return (
                f"{hosts} failed ({each}), the budget is {self.plan.fleet.failures}; nothing was "
                "changed here; look there first, then run again"
            )
        return ""

    @property
    def over_budget(self) -> bool:
        """Whether more hosts have failed than may."""
        return len(self.failed) > self.plan.fleet.failures

    def refusal(self, name: str, wave: int) -> str:
        """Return why a host of a wave that is due is not begun, and keep it; empty if it may be."""
        if why := self.closed:
            self.not_begun[name] = why
            return why
        title = self.plan.waves[wave - 1].title
        canary = self.until == CANARY
        if title not in (FRESH, CANARY) if canary else wave > int(self.until or wave):
            self.paused.add(name)
            return f"paused before wave {wave}, as you asked; run again to go on from here"
        return ""

    def wrong(self, name: str) -> str:
        """Return what is wrong with a host in the end, empty if nothing is."""
        if name in self.failed:
            return f"failed: {self.failed[name]}"
        if name in self.not_begun:
            return f"not begun: {self.not_begun[name]}"
        return self.plan.members[name].refused

    def back(self, name: str) -> list[Move]:
        """Return the way back of what was switched on a host, the last first, if it is to go."""
        if not (self.over_budget and self.plan.fleet.on_refusal is OnRefusal.BACK):
            return []
        made = [move.back for move in reversed(self._made.get(name, ()))]
        return [move for move in made if move]

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
        self._wait(name, moves, back=back)
        turn = Turn()
        self._out[name] = self._interrupted(name, moves)
        try:
            yield turn
        finally:
            del self._out[name]
            self._end(name, moves, turn)
            if not back:
                self._made[name] = turn.done
            changed, self._changed = self._changed, Event()
            changed.set()

    def _wait(self, name: str, moves: list[Move], *, back: bool) -> None:
        while True:
            if not back and (why := self.closed):
                raise NotBegunError(why)
            short = self._short(self._interrupted(name, moves))
            if not short:
                return
            if not self._out:
                raise NotBegunError(short)
            self._changed.wait(_LOOK_EVERY_S)

    def _interrupted(self, name: str, moves: list[Move]) -> frozenset[str]:
        """Return the models of which one instance is out at a time meanwhile."""
        models = {move.interrupts for move in moves if move.interrupts}
        return frozenset(model for model in models if self.serves[name][model])

    def _short(self, models: frozenset[str]) -> str:
        """Return which floor would not be kept with one instance fewer; empty if all would be."""
        serves: Counter[str] = sum(self.serves.values(), Counter())
        out = Counter(model for models in self._out.values() for model in models)
        for model in sorted(models):
            floor, left = self.plan.floor(model), serves[model] - out[model]
            if left <= floor:
                return (
                    f"{left} of {self.plan.instances[model]} instances serve {model}, and {floor} "
                    "have to at any time, so that none may be taken out; have more of them serve, "
                    "or ask for fewer in the fleet's serving or at_least"
                )
        return ""

    def _end(self, name: str, moves: list[Move], turn: Turn) -> None:
        """Keep what came of a turn."""
        if turn.well:
            self.serves[name] -= Counter(one.interrupts for one in turn.done if one.interrupts)
            self.serves[name] += Counter(one.instance.served_as for one in turn.done)
            return
        self.serves[name] = turn.serves
        missed = next((one for one in moves if one not in turn.done), None)
        what = f"{missed.instance.name} did not come to {missed.release}" if missed else "lost"
        wave = self.plan.wave_of(name)
        self.failed[name] = f"{what}, in wave {wave}" if len(self.plan.waves) > 1 else what
