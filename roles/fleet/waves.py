"""Which hosts are begun once which others are done."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roles.fleet.member import Member, Unit, What
from roles.spec import Fleet

FRESH = "nothing is interrupted"
CANARY = "canary"


@dataclass(frozen=True)
class Wave:
    """Hosts that are begun once those of the waves before are done."""

    title: str
    hosts: tuple[str, ...]


def in_waves(begun: list[Member], there: list[Member], fleet: Fleet) -> Iterator[Wave]:
    """What interrupts nobody comes first; then canaries, then growing shares of all."""
    fresh: list[Unit] = []
    serving: list[Unit] = []
    for unit in units(begun):
        (serving if any(one.interrupts for one in unit) else fresh).append(unit)
    serving = _spread(serving)
    canaries = _canaries(serving, there, fleet.canary)
    chosen = _names(canaries)
    rest = [unit for unit in serving if unit[0].name not in chosen]
    if fresh:
        yield Wave(FRESH, _names(fresh))
    if canaries:
        yield Wave(CANARY, _names(canaries))
    done, of = len(there) + len(_names(fresh + canaries)), len(begun) + len(there)
    for share in fleet.shares:
        wave: list[Unit] = []
        while rest and done + len(rest[0]) <= of * share // 100:
            done += len(rest[0])
            wave.append(rest.pop(0))
        if wave:
            yield Wave("the rest" if share == 100 else f"to {share} %", _names(wave))


def units(members: list[Member]) -> list[Unit]:
    """Return the hosts as they are begun, those together that serve together."""
    found: dict[str, dict[str, Member]] = {}
    for one in members:
        unit = {one.name: one}
        for name in one.together & found.keys():
            unit = found[name] | unit
        found |= dict.fromkeys(unit, unit)
    return list({tuple(unit): tuple(unit.values()) for unit in found.values()}.values())


def _canaries(serving: list[Unit], there: list[Member], count: int) -> list[Unit]:
    """Return ``count`` of each kind, less those that are there, of different racks."""
    proven = Counter(one.runs for one in there)
    racks: Counter[str | None] = Counter()
    chosen: list[Unit] = []
    for runs in dict.fromkeys(unit[0].runs for unit in serving):
        likely = [unit for unit in serving if unit[0].runs == runs]
        for _ in range(min(count - proven[runs], len(likely))):
            unit = min(likely, key=lambda unit: racks[unit[0].spec.rack])
            likely.remove(unit)
            racks[unit[0].spec.rack] += 1
            chosen.append(unit)
    return chosen


def _spread(likely: list[Unit]) -> list[Unit]:
    """Return hosts in an order of which any part has its share of each rack and kind."""
    groups: dict[What, list[Unit]] = {}
    for unit in likely:
        groups.setdefault((unit[0].spec.rack, unit[0].kind), []).append(unit)
    placed = [
        ((index + 0.5) / len(group), unit)
        for group in groups.values()
        for index, unit in enumerate(group)
    ]
    # Sorting keeps the inventory's order among equals.
    return [unit for _, unit in sorted(placed, key=lambda pair: pair[0])]


def _names(wave: Iterable[Unit]) -> tuple[str, ...]:
    return tuple(one.name for unit in wave for one in unit)
