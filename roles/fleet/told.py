"""A plan as a table for people, and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.table import Table

from roles.console import console
from roles.fleet.plan import Member, Plan

_FILE_WIDTH = 200
_MOST = 8


def show(plan: Plan) -> None:
    """Show the waves where there are several, and every host that is left out."""
    shown = console(_FILE_WIDTH)
    if len(plan.waves) > 1:
        shown.print(_table(plan))
    for line in _remarks(plan):
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
    of = len(plan.waves)
    if of < 2:
        wanted = [one.name for one in plan.members.values() if not one.refused]
        return [_targets(plan, plan.waves[0].hosts if of else wanted)]
    return [
        f"wave {number} of {of}, {wave.title}: {_targets(plan, wave.hosts)}"
        for number, wave in enumerate(plan.waves, start=1)
    ]


def goal(member: Member) -> str:
    """Return what a host serves, or is to serve."""
    return ", ".join(release for _, release in member.goal) or "nothing"


def _table(plan: Plan) -> Table:
    found = Table("wave", "", "hosts", "", "from", "to")
    for number, wave in enumerate(plan.waves, start=1):
        moves = [move for name in wave.hosts for move in plan.members[name].moves]
        was = Counter(f"{one.instance.name} {one.serving or 'nothing'}" for one in moves)
        will = Counter(f"{one.instance.name} {one.release}" for one in moves)
        names = _few(wave.hosts)
        found.add_row(str(number), wave.title, str(len(wave.hosts)), names, _each(was), _each(will))
    return found


def _remarks(plan: Plan) -> Iterator[str]:
    if len(plan.waves) > 1 and plan.there:
        yield f"{plan.there} host(s) have it already"
    for one in plan.members.values():
        if one.left:
            yield f"{one.name} is left alone: {one.left}"
        if one.refused:
            yield f"{one.name} cannot be begun: {one.refused}"
    if plan.waves and plan.silent:
        yield f"no answer, counted as not serving: {_few(plan.silent)}"


def _moves(plan: Plan, host: str) -> list[dict[str, str | None]]:
    return [
        {"instance": one.instance.name, "from": one.serving, "to": one.release}
        for one in plan.members[host].moves
    ]


def _targets(plan: Plan, hosts: Iterable[str]) -> str:
    """Return where the instances of hosts go, or are."""
    goals = (f"{one} {release}" for host in hosts for one, release in plan.members[host].goal)
    return _few(tuple(dict.fromkeys(goals))) or "nothing"


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_MOST])
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown


def _each(counted: Counter[str]) -> str:
    return "\n".join(counted)
