"""
The same job by metalserve, pyinfra, Ansible, Ansible with Mitogen and a script, beside ``ssh true``.

``bin/bench converge`` as root on a machine that may have lab hosts. The tools take turns, and each
ratio is of a turn. A run that fails, or that leaves a host other than it should be, ends it.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rows
from bench.converge import wanted
from bench.converge.gauge import Measured, measured
from bench.converge.site import Site
from bench.converge.tools import Run, Tool, known, refuse_wrong
from bench.converge.turns import COLUMNS, cells, row
from bench.told import machine
from roles.lab import Lab, LabError, LabHost
from tests.lab import fixtures

FLOOR = "ssh true"


def main() -> int:
    """Measure what was asked for, a row as soon as it is known."""
    told = _words().parse_args()
    table = rows.Rows(COLUMNS, as_json=told.json)
    table.say(f"{machine()}\n")
    table.head()
    with _lab(max(min(told.hosts), min(max(told.hosts), told.lab)), keep=told.keep) as (lab, lock):
        for count in told.hosts:
            with TemporaryDirectory() as made:
                key = (lab.folder / "api-key").read_text().strip()
                site = Site(lab.hosts, count, folder=Path(made), lock=lock, key=key)
                for run in map(Run, told.runs):
                    for one in _measured(site, run, told):
                        table.show(*cells(one))
                        if told.json:
                            print(rows.json.dumps(one), flush=True)
    return 0


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--runs", nargs="+", default=["no-change", "first"], choices=list(Run))
    parser.add_argument("--tools", nargs="+", default=list(known()), choices=list(known()))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--each-s", type=float, default=60)
    parser.add_argument("--lab", type=int, default=8)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser


def _measured(site: Site, run: Run, told: argparse.Namespace) -> Iterator[dict]:
    tools = [
        tool for name, tool in known().items() if name in {*told.tools, FLOOR} if run in tool.runs
    ]
    if run is not Run.NO_CHANGE and site.aliased:
        return
    if run is Run.NO_CHANGE:
        site.do()
        site.check()
    turns: list[dict[str, Measured]] = []
    used = dict.fromkeys([tool.name for tool in tools], 0.0)
    for number in range(told.pairs):
        turn: dict[str, Measured] = {}
        for tool in tools:
            if number and used[tool.name] > told.each_s:
                continue
            if run is not Run.NO_CHANGE:
                site.undo()
            turn[tool.name] = _once(site, tool, run)
            used[tool.name] += turn[tool.name].wall_s
        turns.append(turn)
    for tool in tools:
        yield row(tool, run, len(site.names), 0, turns)


def _once(site: Site, tool: Tool, run: Run) -> Measured:
    command = tool.command(site, run)
    done = measured(
        command.words, environment=site.environment | command.environment, folder=command.folder
    )
    refuse_wrong(tool, run, list(site.jobs), done)
    if run is not Run.NO_CHANGE and tool.name != FLOOR:
        site.check(ours=tool.name == "metalserve")
    return done


@contextmanager
def _lab(count: int, *, keep: bool) -> Iterator[tuple[Lab, Path]]:
    lab = Lab("converge")
    try:
        lab.up(count)
        with TemporaryDirectory() as made:
            wheels = fixtures.wheels(Path(made) / "wheels")
            for host in lab.hosts:
                _carry(host, wheels)
            key = (lab.folder / "api-key").read_text().strip()
            site = Site(
                lab.hosts,
                len(lab.hosts),
                folder=Path(made) / "site",
                lock=wheels / "lock.txt",
                key=key,
            )
            bring(site)
            yield lab, wheels / "lock.txt"
    finally:
        if not keep:
            lab.destroy()


def bring(site: Site) -> None:
    command = known()["metalserve"].command(site, Run.SERVING)
    done = measured(
        command.words, environment=site.environment | command.environment, folder=command.folder
    )
    if done.code:
        raise LabError(f"deploy/main.py ended with {done.code}:\n{done.out}{done.err}")


def _carry(host: LabHost, wheels: Path) -> None:
    target = Path(host.disk.root) / wanted.WHEELS.lstrip("/")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(wheels, target)


if __name__ == "__main__":
    sys.exit(main())
