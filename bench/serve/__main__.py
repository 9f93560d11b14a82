"""
How long a switch of releases takes to a right answer, beside a start of the engine alone.

``bin/bench serve`` as root on a machine that may have lab hosts, with 8 GiB free: vLLM on the CPU,
on one host. By turns systemd starts the server again, an operator rolls back, and an operator
activates what the inventory wants; somebody asks until the answer is right.
"""

import sys
from dataclasses import asdict
from statistics import median
from typing import Any

from bench import kept, rows
from bench.serve.site import Serving, Turn, serving
from bench.told import machine, spread

RESTART, ROLLBACK, ACTIVATE = "systemctl restart", "rollback", "activate"
_COLUMNS = (
    *("what", "right answer, s", "told to end after, s", "ends in, s", "right after its start, s"),
    *("all answers right, the command over, s", "later than the restart of its turn, s"),
)


def main() -> int:
    """Print a row a way to start a server."""
    parser = rows.words(str(__doc__), hosts=1)
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="5 by default")
    told = parser.parse_args()
    if told.hosts != 1:
        parser.error(f"--hosts: {told.hosts}, 1 is right")
    table = rows.Rows(_COLUMNS, as_json=told.json)
    table.say(f"{machine()} {told.turns} turns.\n")
    results = kept.Results("serve")
    with serving() as host:
        turns = [_turn(host) for _ in range(told.turns)]
    table.head()
    for name in (RESTART, ROLLBACK, ACTIVATE):
        one = row(name, turns)
        table.row(one, name, *cells(name, turns))
        results.keep(one)
    return 0


def _turn(host: Serving) -> dict[str, Turn]:
    return {
        RESTART: host.restarted(),
        ROLLBACK: host.deployed("rollback"),
        ACTIVATE: host.deployed("activate"),
    }


def parts(turn: Turn) -> dict[str, float]:
    """Return a turn as rows tell it: what is the operator's, and what the engine's."""
    return {
        "wall_s": turn.right_s,
        "told_s": turn.told_s,
        "ends_s": turn.started_s - turn.told_s,
        "start_s": turn.right_s - turn.started_s,
        "over_s": turn.over_s,
    }


def later(name: str, turns: list[dict[str, Turn]]) -> list[float]:
    """Return by how much each turn's right answer came later than after a start alone."""
    return [turn[name].right_s - turn[RESTART].right_s for turn in turns]


def row(name: str, turns: list[dict[str, Turn]]) -> dict[str, Any]:
    """Return the medians of a way, and every turn as it was."""
    told = [parts(turn[name]) for turn in turns]
    return {
        "tool": "systemd" if name == RESTART else "metalserve",
        "run": name,
        "hosts": 1,
        **{key: round(median(one[key] for one in told), 1) for key in told[0]},
        "later_s": round(median(later(name, turns)), 1),
        "turns": [_rounded(asdict(turn[name])) for turn in turns],
    }


def _rounded(turn: dict[str, float | None]) -> dict[str, float | None]:
    return {key: None if value is None else round(value, 2) for key, value in turn.items()}


def cells(name: str, turns: list[dict[str, Turn]]) -> list[str]:
    """Return a row of the table, median and extremes."""
    told = [parts(turn[name]) for turn in turns]
    found = [spread([one[key] for one in told], ".1f") for key in told[0]]
    return [*found, "" if name == RESTART else spread(later(name, turns), ".1f")]


if __name__ == "__main__":
    sys.exit(main())
