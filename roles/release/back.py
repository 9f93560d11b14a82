"""The way back of every instance of a run, told and judged before the first change."""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from gevent.lock import RLock
from pyinfra import host
from pyinfra.api import DeployError, Host, State
from pyinfra.api.output import echo

from roles import probe
from roles.release import apart, before
from roles.release.apart import Judged
from roles.release.before import Wish
from roles.release.release import Release
from roles.spec import Instance


class WayBackError(DeployError):
    """A rollback that was refused before anything was changed."""


_judging = RLock()
_judged: "WeakKeyDictionary[State, list[Judged]]" = WeakKeyDictionary()


def wish() -> Wish:
    """Return what ``--data leave=`` and ``--data to=`` of this run wish for."""
    return Wish.told(leave=host.data.get("leave"), to=host.data.get("to"))


def refuse_wrong_ways_back() -> list[Judged]:
    """
    Ask every host, tell where each instance goes back to, and stop the run when one cannot, or when
    it is not clear what is meant.

    :raises WayBackError: with every reason of every host
    """
    run, wanted = host.state, wish()
    with _judging:
        if run not in _judged:
            found = judge(run, wanted)
            if reasons := apart.reasons(found, wanted):
                raise WayBackError(refusal(reasons, found))
            for line in told(found):
                echo(line, err=True)
            _judged[run] = found
        return _judged[run]


def judge(run: State, wanted: Wish) -> list[Judged]:
    """Return every instance of every host of the run, all hosts asked at once."""
    hosts = [one for one in run.inventory if one in run.active_hosts]
    probe.ask(hosts)
    return [judged for one in hosts for judged in _of(one, wanted)]


def told(judged: list[Judged]) -> Iterator[str]:
    """Yield what becomes of each instance, a line each, and what is passed over on the way."""
    for one in judged:
        way, where = one.way, f"    [{one.host}] "
        yield from (f"{where}passed over: {line}" for line in way.passed if way.to)
        if way.to:
            since = f", since {way.since}" if way.since else ""
            yield f"{where}{way.instance} goes back from {way.serving}{since}, to {way.to}"
        elif way.stays:
            yield f"{where}stays as it is: {way.stays}"


def refusal(reasons: list[str], judged: list[Judged]) -> str:
    """Return what ends a run, with the words that leave out the hosts at fault."""
    lines = ["refused, nothing was changed on any host", *(f"  {one}" for one in reasons)]
    wrong = list(dict.fromkeys(one.host for one in judged if one.way.refused))
    if wrong and any(one.way.to for one in judged if one.host not in wrong):
        words = " ".join(f"--exclude {name}" for name in wrong)
        lines.append(f"  the others alone: {words}")
    return "\n".join(lines)


def _of(asked: Host, wanted: Wish) -> Iterator[Judged]:
    found = probe.of(asked)
    for instance in asked.data.spec.instances:
        seen = (found["instances"] or {}).get(instance.name) or {}
        way = before.way(instance, found, wanted)
        yield Judged(asked.name, instance, seen, way, way.serving == _wanted(asked, instance))


def _wanted(asked: Host, instance: Instance) -> str | None:
    """Return the release that the inventory wants; some engine's has no name yet."""
    try:
        return Release(spec=asked.data.spec, instance=instance).name
    except ValueError:
        return None
