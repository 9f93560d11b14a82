"""A plan as a table for people, and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from roles.console import console, new_table
from roles.fleet.member import Member
from roles.fleet.plan import Plan
from roles.release import Move
from roles.words import few

if TYPE_CHECKING:
    from rich.table import Table

_FILE_WIDTH = 200
_MOST = 8


def show(plan: Plan) -> None:
    """Show the waves where some hosts come before others, and every host that is left out."""
    several, remarks = _several(plan), list(_remarks(plan))
    if not several and not remarks:
        return
    shown = console(_FILE_WIDTH)
    if several:
        shown.print(_table(plan))
    for line in remarks:
        shown.print(f"    {line}", soft_wrap=True)


def as_json(plan: Plan) -> str:
    """Return a plan for programs."""
    rows = {
        "waves": [
            {"title": wave.title, "hosts": {name: _moves(plan, name) for name in wave.hosts}}
            for wave in plan.waves
        ],
        "there": plan.there,
        "instances": plan.instances,
        "have_to_serve": {model: plan.floor(model) for model in plan.instances},
        "left": {one.name: one.left for one in plan.members.values() if one.left},
        "refused": {one.name: one.refused for one in plan.members.values() if one.refused},
        "silent": plan.silent,
    }
    return json.dumps(rows, indent=1) + "\n"


def steps(plan: Plan) -> list[str]:
    """Return a name for what is done in each wave; there is always one."""
    if len(plan.waves) < 2:
        wanted = [one.name for one in plan.members.values() if not one.refused]
        return [_targets(plan, plan.waves[0].hosts if plan.waves else wanted)]
    return [f"wave {_number(plan, at)}: {_targets(plan, one.hosts)}" for at, one in plan.numbered]


def wave(plan: Plan, host: str) -> str | None:
    """Return the wave of a host, if there are several."""
    number = plan.wave_of(host) if len(plan.waves) > 1 else None
    return _number(plan, number) if number else None


def at_rest(plan: Plan, member: Member) -> str:
    """Return why a host has nothing to do in a wave that is not its own."""
    if number := plan.wave_of(member.name):
        return f"its wave is {_number(plan, number)}"
    serves = ", ".join(release for _, release in member.goal) or "nothing"
    return member.left or member.refused or f"{serves} serves"


def _table(plan: Plan) -> "Table":
    found = new_table("wave", "", "hosts", "", "from", "to")
    for number, wave in plan.numbered:
        moves = [move for name in wave.hosts for move in plan.members[name].moves]
        was = Counter(f"{one.instance.name} {one.serving or 'nothing'}" for one in moves)
        will = Counter(_will(one) for one in moves)
        names = few(wave.hosts, most=_MOST)
        found.add_row(str(number), wave.title, str(len(wave.hosts)), names, _each(was), _each(will))
    return found


def _several(plan: Plan) -> bool:
    """Say whether there is an order to be told: what is left of a change that went on is one."""
    return len(plan.waves) > 1 or bool(plan.waves and plan.there)


def _begun(plan: Plan) -> list[str]:
    return [host for wave in plan.waves for host in wave.hosts]


def _remarks(plan: Plan) -> Iterator[str]:
    if _several(plan) and plan.there:
        yield f"{plan.there} host(s) have it already"
    moves = [(host, one) for host in _begun(plan) for one in plan.members[host].moves]
    for host, move in moves:
        if move.failed:
            yield f"{move.release} is tried again on {host}: {move.failed}"
    if renewed := [f"{host}/{move.instance.name}" for host, move in moves if move.renewed]:
        yield (
            f"another secret comes to {few(renewed, most=_MOST)}: clients that show the one before "
            "get 401 from its restart on"
        )
    for one in plan.members.values():
        if one.left:
            yield f"{one.name} is left alone: {one.left}"
        if one.refused:
            yield f"{one.name} cannot be begun: {one.refused}"
    if plan.waves and plan.silent:
        yield f"no answer, counted as not serving: {few(plan.silent, most=_MOST)}"


def _will(move: Move) -> str:
    """Return what is going to serve; the same release is started again for a reason."""
    again = ", again" if move.serving == move.release else ""
    return f"{move.instance.name} {move.release}{again}"


def _moves(plan: Plan, host: str) -> list[dict[str, str | None]]:
    return [
        {"instance": one.instance.name, "from": one.serving, "to": one.release}
        for one in plan.members[host].moves
    ]


def _number(plan: Plan, number: int) -> str:
    return f"{number} of {len(plan.waves)}, {plan.waves[number - 1].title}"


def _targets(plan: Plan, hosts: Iterable[str]) -> str:
    """Return where the instances of hosts go, or are."""
    goals = (f"{one} {release}" for host in hosts for one, release in plan.members[host].goal)
    return few(tuple(dict.fromkeys(goals)), most=_MOST) or "nothing"


def _each(counted: Counter[str]) -> str:
    return "\n".join(counted)
