"""
Whether requests fail while a fleet is upgraded, goes back, gets a bad release, or loses a host.

``bin/bench fleet`` as root on a machine that may have lab hosts: hosts that serve behind a gateway,
one of them the real engine, asked by the real ``openai`` client all the time. It ends with 1 when
a request failed that need not have, or a host is not what it should be.
"""

import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from bench import rows
from bench.fleet import heard, wanted
from bench.fleet.load import Load
from bench.fleet.scenes import SCENES, Scene
from bench.fleet.site import Site, fleet
from bench.fleet.turns import Turn
from bench.told import machine

_SCENES = ("scenario", "requests", "failed", "of them with the host", "s", "slowest answer, s")
_TURNS = ("scenario", "host", "engine", "ended", "drained, s", "out, s", "back, s")
_QUIET_S = 3
_BETWEEN = range(3, 17)


@dataclass(frozen=True)
class Played:
    """A scene that was played, and all that is not as it should be."""

    name: str
    measured: dict[str, Any]
    turns: list[Turn]
    wrong: list[str]


def main() -> int:
    """Play the scenes, a row each; return whether all is as it should be."""
    parser = rows.words(str(__doc__), hosts=4)
    parser.add_argument("--gateways", type=int, choices=(1, 2), default=1, help="1 by default")
    told = parser.parse_args()
    if told.hosts not in _BETWEEN:
        parser.error(f"--hosts: {told.hosts}, {_BETWEEN[0]} to {_BETWEEN[-1]} that serve are right")
    table = rows.Rows(_SCENES, as_json=told.json)
    table.say(f"{machine()}\n{told.hosts} hosts that serve, {told.gateways} before them.\n")
    with fleet(told.hosts, told.gateways) as site:
        site.serve(wanted.OLD)
        site.did("main")
        table.head()
        played = []
        for name, scene in SCENES.items():
            site.wait_up()
            played.append(_play(site, name, scene))
            table.row(played[-1].measured)
        table.say("")
        _show_turns(site, played, as_json=told.json)
    wrong = [f"{one.name}: {why}" for one in played for why in one.wrong]
    for why in wrong:
        print(why, file=sys.stderr)
    return 1 if wrong else 0


def _play(site: Site, name: str, scene: Scene) -> Played:
    """Play a scene under load."""
    since = time.time()
    with Load(site.clients) as load:
        time.sleep(_QUIET_S)
        began = time.monotonic()
        came = scene(site)
        took = time.monotonic() - began
        site.wait_up()
        time.sleep(_QUIET_S)
    lines = site.requests(since)
    lost = heard.lost_with(came.dead, came.died, load.failed, lines)
    turns = site.turns(since, lines)
    measured = {
        "scenario": name,
        "requests": len(load.asked),
        "failed_requests": len(load.failed),
        "lost_with_host": len(lost),
        "seconds": round(took, 1),
        "slowest_s": round(load.slowest_s, 1),
        "turns": [asdict(turn) for turn in turns],
    }
    failures = [heard.told(one, lines) for one in load.failed if one not in lost]
    return Played(name, measured, turns, [*came.wrong, *failures])


def _show_turns(site: Site, played: list[Played], *, as_json: bool) -> None:
    table = rows.Rows(_TURNS, as_json=as_json)
    table.head()
    for one in played:
        for turn in one.turns:
            engine = "vLLM" if turn.host == site.real.name else "stand-in"
            back = "–" if turn.back_s is None else f"{turn.back_s:.1f}"
            table.show(one.name, turn.host, engine, turn.outcome, turn.drained_s, turn.out_s, back)


if __name__ == "__main__":
    sys.exit(main())
