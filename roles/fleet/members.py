"""What a run knows of its hosts, before the first of them is begun: asked once for all of them."""

from collections import Counter
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

from gevent.lock import RLock
from pyinfra.api import DeployError, Host, State

from roles import output, probe, release
from roles.fleet import told
from roles.fleet.member import Member
from roles.fleet.plan import Plan, made
from roles.fleet.rollout import Rollout
from roles.fleet.waves import CANARY
from roles.spec import Fleet, HostSpec

Found = dict[str, Any]


class Towards(Enum):
    """Where a run has instances go."""

    FORWARD = "forward"
    BACK = "back"


_Known = dict[Towards, Rollout]
_known: "WeakKeyDictionary[State, _Known]" = WeakKeyDictionary()
_planning = RLock()


def rollout(host: Host, towards: Towards) -> Rollout:
    """
    Return what all hosts of a run do together, the same to each of them, and tell it once.

    :raises DeployError: what was asked for makes no sense
    """
    state = host.state
    with _planning:
        known = _known.setdefault(state, {})
        if towards not in known:
            known[towards] = Rollout(_planned(state, towards), _until(host))
            told.show(known[towards].plan)
            if file := host.data.get("plan"):
                output.write(str(file), told.as_json(known[towards].plan), what="the plan")
        return known[towards]


def told_of(state: State, host: str) -> dict[str, Any]:
    """
    Return what a report tells of a host of a run that had waves: the host's ``wave``, and ``why``
    it was not begun; each ``None`` where there is nothing to tell.
    """
    about: dict[str, Any] = {"wave": None, "why": None}
    for known in _known.get(state, {}).values():
        about["wave"] = told.wave(known.plan, host) or about["wave"]
        about["why"] = known.untouched(host) or about["why"]
    return about


def moves(host: Host, towards: Towards) -> list[release.Move]:
    """
    Return what has to be done on a host.

    :raises LookupError: there is no way, and why
    """
    match towards:
        case Towards.FORWARD:
            return release.forward(host)
        case Towards.BACK:
            return release.backward(host, release.wish())


def _planned(state: State, towards: Towards) -> Plan:
    hosts = [one for one in state.inventory if isinstance(one.data.get("spec"), HostSpec)]
    asked = [host for host in hosts if state.is_host_in_limit(host)]
    active = [host for host in asked if host in state.active_hosts]
    probe.ask(active)
    return made(
        [_member(host, towards) for host in active],
        _fleet(asked),
        silent={host.name: host.data.spec for host in asked if host not in state.active_hosts},
        left_out={one.name: one.data.spec for one in hosts if not state.is_host_in_limit(one)},
    )


def _member(host: Host, towards: Towards) -> Member:
    spec, found = host.data.spec, probe.of(host)
    todo, refused = [], ""
    try:
        todo = moves(host, towards)
    except LookupError as error:
        refused = str(error.args[0])
    seen = found["instances"] or {}
    current = {one.name: seen.get(one.name, {}).get("current") for one in spec.instances}
    goal = {name: str(serving) for name, serving in current.items() if serving}
    goal |= {move.instance.name: move.release for move in todo}
    return Member(
        name=host.name,
        spec=spec,
        kind=_kind(spec, found),
        goal=tuple(goal.items()),
        moves=tuple(todo),
        serves=Counter(release.served(host).values()),
        left=_left(spec, found),
        refused=refused,
        together=_together(host),
    )


def _together(host: Host) -> frozenset[str]:
    """Return the other hosts that an instance of a host is served with."""
    gathered = [one.across.ranks for one in host.data.spec.instances if one.across]
    return frozenset(rank.host for ranks in gathered for rank in ranks) - {host.name}


def _left(spec: HostSpec, found: Found) -> str:
    """Return why a host is left alone: somebody has taken it out for a reason of their own."""
    instances = found["instances"] or {}
    out = {one.name: instances.get(one.name, {}).get("out") or () for one in spec.instances}
    return "; ".join(f"{name} is out of rotation: {why}" for name in out for why in out[name])


def _kind(spec: HostSpec, found: Found) -> str:
    """Return the hardware of a host, as it was seen."""
    part = (found["accelerators"] or {}).get(str(spec.accelerator)) or {}
    counted = Counter(str(device["name"]) for device in part.get("devices") or ())
    return ", ".join(f"{n} × {name}" for name, n in counted.items()) or str(spec.accelerator)


def _fleet(hosts: list[Host]) -> Fleet:
    fleets: list[Fleet] = []
    for host in hosts:
        fleet = host.data.get("fleet")
        if fleet and fleet not in fleets:
            fleets.append(fleet)
    if len(fleets) > 1:
        raise DeployError(
            "the hosts of this run are of two fleets; call inventory(…, fleet=…) once for all of "
            "them, or name hosts of one with --limit"
        )
    return fleets[0] if fleets else Fleet()


def _until(host: Host) -> str:
    until = str(host.data.get("until") or "")
    if until and until != CANARY and not (until.isdecimal() and int(until)):
        raise DeployError(f"until: {until!r}, {CANARY} and the number of a wave are right")
    return until
