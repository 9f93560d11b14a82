"""How a change comes to hosts: a pure function of what they are and serve."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from roles.fleet.member import Member
from roles.fleet.waves import Wave, in_waves, units
from roles.spec import Fleet, HostSpec


@dataclass(frozen=True)
class Plan:
    """
    What a run is going to do.

    :param members: every host that answers, by name
    :param waves: hosts with something to do, each in one wave
    :param there: how many hosts have the same change already
    :param instances: how many of each model there are to be, on hosts that do not answer too
    :param elsewhere: how many of each are on hosts that the run leaves out
    :param silent: hosts that do not answer
    """

    fleet: Fleet
    members: Mapping[str, Member]
    instances: Mapping[str, int]
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()
    there: int = 0

    def wave_of(self, host: str) -> int | None:
        """Return the number of a host's wave, counted from 1."""
        return self._numbers.get(host)

    def unit(self, host: str) -> frozenset[str]:
        """Return the hosts that are begun together with a host, itself among them."""
        return self._units[host]

    def floor(self, model: str) -> int:
        """Return how many instances of a model have to serve at any time."""
        elsewhere = self.elsewhere.get(model, 0)
        return self.fleet.floor(model, self.instances.get(model, 0), elsewhere)

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

    @property
    def numbered(self) -> list[tuple[int, Wave]]:
        """The waves with their numbers, counted from 1."""
        return list(enumerate(self.waves, start=1))

    @cached_property
    def _units(self) -> dict[str, frozenset[str]]:
        begun = units([one for one in self.members.values() if one.begun])
        found = [frozenset(one.name for one in unit) for unit in begun]
        return {name: names for names in found for name in names}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, wave in self.numbered for name in wave.hosts}


def made(
    members: Iterable[Member],
    fleet: Fleet,
    silent: Mapping[str, HostSpec] | None = None,
    left_out: Mapping[str, HostSpec] | None = None,
) -> Plan:
    """
    Return the plan of a change; the same to whoever asks, in the inventory's order.

    :param silent: hosts of the run that do not answer
    :param left_out: hosts of the inventory that are not of the run
    """
    known, absent = {one.name: one for one in members}, silent or {}
    known = {name: _left(one, known) for name, one in known.items()}
    hosts = {one.name: one.spec for one in known.values()} | dict(absent)
    plan = Plan(
        fleet=fleet,
        members=known,
        instances=_instances(hosts),
        elsewhere=_instances(left_out or {}),
        silent=tuple(absent),
    )
    plan = replace(plan, members=_refused(plan))
    begun = [one for one in plan.members.values() if one.begun]
    changes = {one.change for one in begun}
    # On a rollback a host may stay with what others leave, as it has nothing before that.
    left = {(move.instance.name, move.serving) for one in begun for move in one.moves
            if move.serving != move.release}  # fmt: skip
    there = [
        one
        for one in known.values()
        if one.change in changes and not one.moves and not left & set(one.goal)
    ]
    return replace(plan, waves=tuple(in_waves(begun, there, fleet)), there=len(there))


def _left(one: Member, known: Mapping[str, Member]) -> Member:
    """Return a host; it is left alone too when one is that it serves together with."""
    others = [known[name] for name in sorted(one.together) if name in known]
    left = [f"{other.name}, which serves with it, is: {other.left}" for other in others
            if other.left]  # fmt: skip
    return replace(one, left="; ".join(left)) if left and not one.left else one


def _instances(hosts: Mapping[str, HostSpec]) -> Counter[str]:
    """Return how many instances of each model there are to be, each where it is answered from."""
    return Counter(one.served_as for name, spec in hosts.items() for one in spec.answering(name))


def _refused(plan: Plan) -> dict[str, Member]:
    """Return the hosts; refused is who could not be taken out if all served that can."""
    begun = [one for one in plan.members.values() if one.begun]
    gained = [
        Counter(move.brings for move in one.moves if move.brings and not move.interrupts)
        for one in begun
    ]
    best = _sum([*(Counter(one.serves) for one in plan.members.values()), *gained])
    refused = {one.name: plan.short(one.interrupts, best) for one in begun}
    refused |= {one.name: _apart(plan, one) for one in begun if not refused[one.name]}
    return {
        name: replace(one, refused=refused.get(name) or one.refused)
        for name, one in plan.members.items()
    }


def _apart(plan: Plan, one: Member) -> str:
    """Say whether a host would be begun without those that it serves together with."""
    others = [plan.members.get(name) for name in sorted(one.together)]
    missing = [name for name, other in zip(sorted(one.together), others, strict=True)
               if other is None or other.left or other.refused]  # fmt: skip
    if not missing:
        return ""
    return f"it serves together with {', '.join(missing)}, which cannot be begun; mend that first"


def _sum(counted: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counted:
        total.update(one)
    return total
