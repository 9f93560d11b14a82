"""
The same job by metalserve, pyinfra, Ansible with and without Mitogen and ssh, beside ``ssh true``.

``bin/bench converge`` as root on a machine that may have lab hosts. The tools take turns, and each
ratio is of a turn. A run that fails, or that leaves a host other than it should be, ends it.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import fit, kept, rows
from bench.converge import picture
from bench.converge.ground import Ground, ground, once, ready
from bench.converge.tools import FLOOR, Run, known
from bench.converge.turns import COLUMNS, Row, cells, row, turns
from bench.told import machine

_SAME = ("run", "rtt_ms", "hosts", "tool")


def main() -> int:
    """Measure what was asked for, a row as soon as it is known, and keep it."""
    told = _words().parse_args()
    if told.picture:
        picture.draw(told.results)
        return 0
    results = kept.Results(told.results.stem, same=_SAME, folder=told.results.parent)
    table = rows.Rows(COLUMNS, as_json=told.json)
    table.say(f"{machine()}\n")
    table.head()
    with ground(min(max(told.hosts), told.lab), keep=told.keep) as lab:
        _warm_up(lab, told)
        for rtt_ms in told.rtt_ms:
            lab.put(rtt_ms)
            for count in told.hosts:
                for run in map(Run, told.runs):
                    for one in _measured(lab, run, count, rtt_ms, told):
                        table.row(one, *cells(one))
                        results.keep(one)
    table.say("")
    for words in _grown(results.rows):
        table.say(words)
    picture.draw(told.results)
    return 0


def _grown(rows: list[Row]) -> Iterator[str]:
    """Say how each tool's time grows with hosts, by all rows that are kept; nothing of too few."""
    kinds: dict[tuple[str, str, int], list[Row]] = {}
    for one in rows:
        kinds.setdefault((one["tool"], one["run"], one["rtt_ms"]), []).append(one)
    for (tool, run, rtt_ms), own in kinds.items():
        hosts = [one["hosts"] for one in own]
        if found := fit.line(hosts, [one["wall_s"] for one in own]):
            yield (
                f"{tool}, {run}, {rtt_ms} ms, {min(hosts)} to {max(hosts)} hosts: "
                f"{found.base:.2f} s + {1000 * found.each:.0f} ms each (off by {found.off:.0%})"
            )


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    tools, runs = list(known()), list(map(str, Run))
    several, one = partial(parser.add_argument, nargs="+"), parser.add_argument
    several("--hosts", type=_count, default=[1, 4, 8], help="beyond the lab's: names of the same")
    several("--runs", choices=runs, default=runs[:2], help="without serving by default")
    several("--tools", choices=tools, default=tools, help=f"{FLOOR} is always one")
    several("--rtt-ms", type=int, default=[0], help="how long a round trip takes at least: 0")
    one("--pairs", type=_count, default=5, help="turns at most: 5")
    one("--each-s", type=float, default=30, help="what a tool has before it sits out: 30")
    one("--lab", type=_count, default=8, help="real hosts at most: 8")
    one("--keep", action="store_true", help="leave the lab for the next time")
    one("--results", type=Path, default=kept.FOLDER / "converge.json", help="the file of rows")
    one("--picture", action="store_true", help="draw what is in it, no more")
    one("--json", action="store_true", help="an object a row, on stdout alone")
    return parser


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r}, a number from 1 is right")
    return int(word)


def _warm_up(lab: Ground, told: argparse.Namespace) -> None:
    """Have each tool run once over one host, for nothing."""
    site = lab.site(1)
    ready(lab, site, Run.NO_CHANGE)
    for name, tool in known().items():
        if name in {*told.tools, FLOOR}:
            once(site, Run.NO_CHANGE, tool)


def _measured(
    lab: Ground, run: Run, count: int, rtt_ms: int, told: argparse.Namespace
) -> Iterator[Row]:
    site = lab.site(count)
    if run is not Run.NO_CHANGE and site.aliased:
        # What its names have in common, as the list of users, would keep each other waiting.
        return
    tools = [
        tool for tool in known().values() if tool.name in {*told.tools, FLOOR} and run in tool.runs
    ]
    ready(lab, site, run)
    taken = turns(tools, partial(once, site, run), most=told.pairs, each_s=told.each_s)
    for tool in tools:
        yield row(tool, run, hosts=count, rtt_ms=rtt_ms, turns=taken)


if __name__ == "__main__":
    sys.exit(main())
