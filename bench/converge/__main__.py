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

from bench import rows
from bench.converge import picture, results
from bench.converge.ground import Ground, ground, once, ready
from bench.converge.tools import FLOOR, Run, known
from bench.converge.turns import COLUMNS, Row, cells, row, turns
from bench.told import machine


def main() -> int:
    """Measure what was asked for, a row as soon as it is known, and keep it."""
    told = _words().parse_args()
    if told.picture:
        picture.draw(told.results)
        return 0
    table = rows.Rows(COLUMNS, as_json=told.json)
    table.say(f"{machine()}\n")
    table.head()
    with ground(min(max(told.hosts), told.lab), keep=told.keep) as lab:
        _warm_up(lab, told)
        for rtt_ms in told.rtt_ms:
            lab.put(rtt_ms)
            for count in told.hosts:
                for run in map(Run, told.runs):
                    found = list(_measured(lab, run, count, rtt_ms, told))
                    for one in found:
                        table.row(one, *cells(one))
                    results.keep(told.results, found)
    picture.draw(told.results)
    return 0


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    tools, runs = list(known()), list(map(str, Run))
    for words in (
        ("--hosts", int, [1, 4, 8], None, "how many; beyond those of the lab, names of the same"),
        ("--runs", str, runs[:2], runs, "what is run"),
        ("--tools", str, tools, tools, f"{FLOOR} always"),
        ("--rtt-ms", int, [0], None, "how long a round trip takes"),
    ):
        name, kind, default, choices, about = words
        parser.add_argument(
            name, type=kind, nargs="+", default=default, choices=choices, help=about
        )
    parser.add_argument("--pairs", type=int, default=5, help="5 by default")
    parser.add_argument(
        "--each-s", type=float, default=30, help="how long a tool takes part in further turns: 30"
    )
    parser.add_argument("--lab", type=int, default=8, help="real hosts: 8 by default")
    parser.add_argument("--keep", action="store_true", help="leave the lab for the next time")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file of rows")
    parser.add_argument("--picture", action="store_true", help="draw what is in it, no more")
    parser.add_argument("--json", action="store_true", help="an object a row, on stdout alone")
    return parser


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
    site, about = lab.site(count), results.about()
    if run is not Run.NO_CHANGE and site.aliased:
        # What its names have in common, as the list of users, would keep each other waiting.
        return
    tools = [
        tool for tool in known().values() if tool.name in {*told.tools, FLOOR} and run in tool.runs
    ]
    ready(lab, site, run)
    taken = turns(tools, partial(once, site, run), most=told.pairs, each_s=told.each_s)
    for tool in tools:
        yield row(tool, run, hosts=count, rtt_ms=rtt_ms, turns=taken) | about


if __name__ == "__main__":
    sys.exit(main())
