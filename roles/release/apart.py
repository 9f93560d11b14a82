"""Why a rollback of a whole run is refused: pure functions of every instance's way back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from roles.release.before import Found, Way, Wish
from roles.spec import Instance
from roles.words import few

_NAMED = 3


@dataclass(frozen=True)
class Judged:
    """
    An instance of a host of the run, and its way back.

    :param seen: what the probe saw of it, nothing when it is not there
    :param wanted: whether it serves what the inventory wants
    """

    host: str
    instance: Instance
    seen: Found
    way: Way
    wanted: bool = False

    @property
    def served(self) -> list[Found]:
        """Every release that served, what serves first."""
        return list(self.seen.get("served", ()))


class _Chain(NamedTuple):
    """
    Hosts to which the same changes came, as far as can be seen.

    :param serving: the releases that serve
    :param known: those that served
    :param wanted: whether all of them serve what the inventory wants
    """

    serving: set[str]
    known: set[str]
    wanted: bool


def reasons(judged: list[Judged], wish: Wish) -> list[str]:
    """Return why nothing may be done, on any host: a wrong wish, faults of hosts, and a mixture."""
    found = list(_wishes(judged, wish))
    found += [f"{one.host}: {one.way.refused}" for one in judged if one.way.refused]
    if not wish.to:
        # A stack's name is no answer to which of its releases is meant.
        found += mixed([one for one in judged if one.way.serving not in wish.leave])
    if wish == Wish() and not found and not any(one.way.to for one in judged):
        found = [f"{one.host}: {one.way.stays}" for one in judged]
    return found


def mixed(judged: list[Judged]) -> list[str]:
    """
    Return a reason for each model of which instances serve different releases: what an upgrade did
    not come to would go further back than what it came to.
    """
    models: dict[str, list[Judged]] = {}
    for one in judged:
        if one.way.serving:
            models.setdefault(one.instance.served_as, []).append(one)
    return [told for model, members in models.items() if (told := _mixed(model, members))]


def _mixed(model: str, members: list[Judged]) -> str:
    named: dict[str, list[Judged]] = {}
    for one in members:
        named.setdefault(one.instance.name, []).append(one)
    # Two instances of a host never have the same release, but may be of the same make.
    makes = {(about["stack"], about["weights"]) for one in members if (about := _about(one))}
    chains = [chain for ones in named.values() for chain in _chains(ones)]
    apart = [chain for chain in chains if len(chain) > 1]
    if not apart and (len(makes) <= 1 or len(named) == 1):
        return ""
    began = _began(members)
    among = apart or [set(began)]
    newest = [max(releases, key=lambda name: (began[name], name)) for releases in among]
    # Of a kind of which all serve the same, none goes further back than another.
    kinds = [chain for chain in chains if len(chain) == 1] if apart and len(named) == 1 else []
    alike: set[str] = set().union(*kinds)
    known = all(began[release] for release in newest)
    going = {one.way.serving for one in members if one.way.to}
    if known and going <= {*newest, *alike}:
        return ""
    leave = ",".join(newest) if known else "RELEASE"
    rows = [_row(release, members) for release in sorted(began, key=lambda name: began[name])]
    return "\n".join(
        [
            f"{model} is served by different releases: some would go further back than others",
            *(f"    {row}" for row in rows[::-1]),
            f"    say what is to be left, anything else stays: --data leave={leave}",
            *(
                f"    and ,{release} after it, if that is to be left as well"
                for release in sorted(alike & going)
            ),
        ]
    )


def _chains(members: list[Judged]) -> list[set[str]]:
    """
    Return the releases that serve, together those of hosts to which the same changes came. Hosts
    that differ by design have never served a release of each other.
    """
    chains: list[_Chain] = []
    # What is known of the others tells where those belong that have one release alone.
    for one in sorted(members, key=lambda one: -len(one.served)):
        known = {str(entry["release"]) for entry in one.served}
        mine = _Chain({str(one.way.serving)}, known, one.wanted)
        met = [chain for chain in chains if chain.known & mine.known]
        if not met and len(one.served) < 2:
            # It may be of any, but of those that are as the inventory wants them as it is itself.
            met = [chain for chain in chains if not (chain.wanted and mine.wanted)]
        chains = [chain for chain in chains if chain not in met]
        chains.append(
            _Chain(
                mine.serving.union(*(chain.serving for chain in met)),
                mine.known.union(*(chain.known for chain in met)),
                wanted=mine.wanted and all(chain.wanted for chain in met),
            )
        )
    return [chain.serving for chain in chains]


def _about(one: Judged) -> Found:
    about: Found = one.seen.get("about") or {}
    return about if "stack" in about else {}


def _began(members: list[Judged]) -> dict[str, str]:
    """Return when each release that serves served for the first time, empty when nobody knows."""
    serving = dict.fromkeys(str(one.way.serving) for one in members)
    first: dict[str, str] = dict.fromkeys(serving, "")
    for entry in [entry for one in members for entry in one.served if entry["first"]]:
        release = entry["release"]
        if release in first:
            first[release] = min(first[release] or entry["first"], entry["first"])
    if any(first.values()):
        return first
    return {release: min(_since(release, members), default="") for release in serving}


def _since(release: str, members: list[Judged]) -> list[str]:
    return [one.way.since for one in members if one.way.serving == release and one.way.since]


def _row(release: str, members: list[Judged]) -> str:
    those = [one for one in members if one.way.serving == release]
    names = few([f"{one.host}/{one.instance.name}" for one in those], most=_NAMED)
    since = "".join(f", since {began}" for began in sorted(_since(release, those))[:1])
    return f"{release}: {len(those)}{since} ({names})"


def _wishes(judged: list[Judged], wish: Wish) -> Iterator[str]:
    """Yield what is wrong with a wish: it names what no instance of the run knows."""
    known = dict.fromkeys(entry["release"] for one in judged for entry in one.served)
    serving = dict.fromkeys(one.way.serving for one in judged if one.way.serving)
    right = f"served are {', '.join(serving) or 'no releases at all'}"
    for word in wish.leave:
        if not any(Wish(leave=(word,)).leaves(release) for release in known):
            yield f"leave={word}: no instance of this run has served that; {right}"
    if wish.to and wish.to not in known:
        before = [release for release in known if release not in serving]
        yield f"to={wish.to}: no instance of this run has served that; {_before(before)}"


def _before(releases: list[str]) -> str:
    return f"before, it was {', '.join(releases)}" if releases else "nothing served before"
