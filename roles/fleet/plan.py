"""In which waves a change comes to which hosts: a pure function of what they are and serve."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from roles.release import Move
from roles.spec import Fleet, HostSpec

FRESH = "nothing of theirs serves yet"
CANARY = "canary"

What = tuple[Any, ...]


@dataclass(frozen=True)
class Member:
    """
    A host of the run.

    :param kind: of hardware
    :param goal: the release that each of its instances is to serve in the end, or serves
    :param moves: what has to be done for it
    :param serves: how many instances of each model clients get answers from now
    :param left: why it is left alone, which is no failure
    :param refused: why it cannot be begun, which is one
    """

    name: str
    spec: HostSpec
    kind: str
    goal: tuple[tuple[str, str], ...] = ()
    moves: tuple[Move, ...] = ()
    serves: Mapping[str, int] = field(default_factory=dict)
    left: str = ""
    refused: str = ""

    @property
    def begun(self) -> bool:
        """Whether anything is to be done there in this run."""
        return bool(self.moves) and not (self.left or self.refused)

    @cached_property
    def interrupts(self) -> frozenset[str]:
        """Models of which one instance is out at a time while the host has its turn."""
        return frozenset(move.interrupts for move in self.moves if move.interrupts)

    @cached_property
    def wants(self) -> Counter[str]:
        """How many instances of each model it is to have."""
        return Counter(one.served_as for one in self.spec.instances)

    @cached_property
    def runs(self) -> What:
        """What a canary of it proves: hardware, stacks and weights."""
        return self.kind, tuple((one.stack.name, one.weights.name) for one in self.spec.instances)

    @cached_property
    def change(self) -> What:
        """What it has in common with hosts to which the same change comes."""
        options = tuple((one.name, repr(one.options)) for one in self.spec.instances)
        return *self.runs, options


@dataclass(frozen=True)
class Wave:
    """Hosts that are begun once those of the waves before are done."""

    title: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """
    What a run is going to do.

    :param members: every host that answers, by name
    :param waves: hosts with something to do, each in one wave
    :param there: how many hosts have the same change already
    :param instances: how many of each model there are to be, on hosts that do not answer too
    :param silent: hosts that do not answer
    """

    fleet: Fleet
    members: Mapping[str, Member]
    instances: Mapping[str, int]
    silent: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()
    there: int = 0

    def wave_of(self, host: str) -> int | None:
        """Return the number of a host's wave, counted from 1."""
        return self._numbers.get(host)

    def floor(self, model: str) -> int:
        """Return how many instances of a model have to serve at any time."""
        return self.fleet.floor(model, self.instances.get(model, 0))

    def short(self, models: Iterable[str], serves: Mapping[str, int]) -> str:
        """
        Return which floor would not be kept with one instance of each model fewer than ``serves``;
        empty if all would be.
        """
        for model in sorted(models):
            floor = self.floor(model)
            if serves[model] <= floor:
                return (
                    f"{serves[model]} of {self.instances.get(model, 0)} instances serve {model}, "
                    f"and {floor} have to at any time, so that none may be taken out; have more of "
                    "them serve, or ask for fewer in the fleet's serving or at_least"
                )
        return ""

    @cached_property
    def _numbers(self) -> dict[str, int]:
        waves = enumerate(self.waves, start=1)
        return {name: number for number, wave in waves for name in wave.hosts}


def made(
    members: Iterable[Member], fleet: Fleet, silent: Mapping[str, HostSpec] | None = None
) -> Plan:
    """Return the plan of a change; the same to whoever asks, in the inventory's order."""
    known = {one.name: one for one in members}
    absent = silent or {}
    wanted = [one.wants for one in known.values()]
    wanted += [Counter(one.served_as for one in spec.instances) for spec in absent.values()]
    plan = Plan(fleet, known, instances=_sum(wanted), silent=tuple(absent))
    plan = replace(plan, members=_refused(plan))
    begun = [one for one in plan.members.values() if one.begun]
    changes = {one.change for one in begun}
    there = [one for one in known.values() if one.change in changes and not one.moves]
    return replace(plan, waves=tuple(_waves(begun, there, fleet)), there=len(there))


def _refused(plan: Plan) -> dict[str, Member]:
    """Return the hosts; refused is who could not be taken out if all served that can."""
    begun = [one for one in plan.members.values() if one.begun]
    gained = [
        Counter(move.instance.served_as for move in one.moves if not move.interrupts)
        for one in begun
    ]
    best = _sum([*(Counter(one.serves) for one in plan.members.values()), *gained])
    refused = {one.name: plan.short(one.interrupts, best) for one in begun}
    return {
        name: replace(one, refused=refused.get(name) or one.refused)
        for name, one in plan.members.items()
    }


def _sum(counted: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counted:
        total.update(one)
    return total


def _waves(begun: list[Member], there: list[Member], fleet: Fleet) -> Iterable[Wave]:
    """What interrupts nobody comes first; then canaries, then growing shares of all."""
    fresh = [one for one in begun if not one.interrupts]
    serving = _spread([one for one in begun if one.interrupts])
    canaries = _canaries(serving, there, fleet.canary)
    chosen = {one.name for one in canaries}
    rest = [one for one in serving if one.name not in chosen]
    if fresh:
        yield Wave(FRESH, _names(fresh))
    if canaries:
        yield Wave(CANARY, _names(canaries))
    of, done = len(begun) + len(there), len(there) + len(fresh) + len(canaries)
    for share in fleet.shares:
        count = of * share // 100 - done
        if count > 0 and rest:
            yield Wave("the rest" if share == 100 else f"to {share} %", _names(rest[:count]))
            rest, done = rest[count:], done + count


def _canaries(serving: list[Member], there: list[Member], count: int) -> list[Member]:
    """Return ``count`` hosts of each kind, less those that are there, of different racks."""
    proven = Counter(one.runs for one in there)
    racks: Counter[str | None] = Counter()
    chosen: list[Member] = []
    for runs in dict.fromkeys(one.runs for one in serving):
        likely = [one for one in serving if one.runs == runs]
        for _ in range(min(count - proven[runs], len(likely))):
            one = min(likely, key=lambda one: racks[one.spec.rack])
            likely.remove(one)
            racks[one.spec.rack] += 1
            chosen.append(one)
    return chosen


def _spread(members: list[Member]) -> list[Member]:
    """Return hosts in an order of which any part has its share of each rack and kind."""
    groups: dict[What, list[Member]] = {}
    for one in members:
        groups.setdefault((one.spec.rack, one.kind), []).append(one)
    placed = [
        ((index + 0.5) / len(group), one)
        for group in groups.values()
        for index, one in enumerate(group)
    ]
    # Sorting keeps the inventory's order among equals.
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


def _names(members: Iterable[Member]) -> tuple[str, ...]:
    return tuple(one.name for one in members)
