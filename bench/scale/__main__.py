"""
Time, memory and open files of a run over many hosts that are not there, beside plain pyinfra.

``bin/bench scale [--hosts 1 10 100 300 1000] [--instances 2] [--distinct] [--json]``. How they grow
is said after the table: with hosts and with instances, of whichever there were three counts.
"""

import argparse
import json
import sys
from collections.abc import Iterator

from bench import kept
from bench.scale.grown import grown
from bench.scale.runs import RUNS, Measured, measured
from bench.told import machine

_SAME = ("tool", "run", "hosts", "instances", "sharing")
_HEAD = (
    "| hosts | instances | run | tool | CPU, s | a host, ms | × pyinfra | wall, s | peak, MiB "
    "| open files |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    """Print the table as Markdown, or each row as JSON, as soon as it was measured, and keep it."""
    asked = _words().parse_args()
    results = kept.Results("scale", same=_SAME)
    if not asked.json:
        print(f"{machine()}\n\n{_HEAD}", flush=True)
    rows: list[Measured] = []
    for row in _rows(asked):
        rows.append(row)
        results.keep(row._asdict())
        print(json.dumps(row._asdict()) if asked.json else _line(row, rows), flush=True)
    if not asked.json:
        print("", *grown(rows), sep="\n")
    return 0


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    runs = list(dict.fromkeys(run.run for run in RUNS))
    words.add_argument("--hosts", type=int, nargs="+", default=[1, 10, 100, 300, 1000])
    words.add_argument("--instances", type=int, nargs="+", default=[2], help="of each host: 2")
    words.add_argument("--runs", nargs="+", choices=runs, default=runs)
    words.add_argument("--distinct", action="store_true", help="give each host a spec of its own")
    words.add_argument("--json", action="store_true", help="an object a row")
    return words


def _rows(asked: argparse.Namespace) -> Iterator[Measured]:
    sharing = "distinct" if asked.distinct else "shared"
    for instances in asked.instances:
        for hosts in asked.hosts:
            for run in RUNS:
                if run.run in asked.runs:
                    yield measured(run, hosts, instances, sharing)


def _line(row: Measured, rows: list[Measured]) -> str:
    plain = {(one.hosts, one.run): one.cpu_s for one in rows if one.tool == "pyinfra"}
    beside = plain.get((row.hosts, row.run))
    ratio = f"{row.cpu_s / beside:.2f}" if beside and row.tool != "pyinfra" else ""
    columns = (
        *(row.hosts, row.instances, row.run, row.tool),
        *(f"{row.cpu_s:.1f}", f"{1000 * row.cpu_s / row.hosts:.0f}", ratio),
        *(f"{row.wall_s:.1f}", f"{row.peak_mib:.0f}", row.open_files),
    )
    return "| " + " | ".join(map(str, columns)) + " |"


if __name__ == "__main__":
    sys.exit(main())
