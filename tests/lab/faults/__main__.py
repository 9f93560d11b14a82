"""
Break two serving hosts in every way that is known here, and see what serves afterwards.

``python -m tests.lab.faults`` as root: a lab ``faults`` of five hosts, removed before and after.
``--only NAME …`` does some; ``--list`` tells the names. What each came to is kept in ``rows.json``
beside this file, and ``docs/faults.md`` is made of that. It ends with 1 when an expectation did not
hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from roles.lab import Lab, places
from roles.lab.command import run
from tests.lab.faults import table
from tests.lab.faults.ground import NAME, Ground
from tests.lab.faults.injection import Injection
from tests.lab.faults.matrix import INJECTIONS
from tests.lab.faults.row import Row, perform
from tests.lab.site import Site

_FOLDER = places.REPOSITORY / ".lab/faults"


class Rows:
    """Where rows are kept, one after the other as they come."""

    def __init__(self) -> None:
        commit = run("git", "-C", places.REPOSITORY, "describe", "--always", "--dirty").strip()
        self.made = f"{datetime.now(UTC):%Y-%m-%d}, {commit}"
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def add(self, row: Row) -> None:
        """Tell a row and keep it."""
        row.made = self.made
        with self._lock:
            print(table.told(row), flush=True)
            if row.faults:
                self.failed.append(row.name)
            else:
                table.keep(row)


def _one_by_one(queue: SimpleQueue[Injection], site: Site, ground: Ground, rows: Rows) -> None:
    while True:
        try:
            injection = queue.get_nowait()
        except Empty:
            return
        row = perform(injection, site, ground)
        rows.add(row)
        if row.faults:
            ground.restore(site)


def trials(wanted: Iterable[Injection], ground: Ground, rows: Rows) -> None:
    """
    Hold trials: those of three hosts, those of two on every pair, those that no other may see, and
    then those of one on every host.
    """
    asked = list(wanted)
    for sites, which in (
        (ground.triple, [one for one in asked if one.hosts == 3]),
        (ground.double, [one for one in asked if one.hosts == 2 and not one.alone]),
        (ground.double[:1], [one for one in asked if one.hosts == 2 and one.alone]),
        (ground.single, [one for one in asked if one.hosts == 1]),
    ):
        queue: SimpleQueue[Injection] = SimpleQueue()
        for injection in which:
            queue.put(injection)
        lanes = [
            threading.Thread(target=_one_by_one, args=(queue, site, ground, rows)) for site in sites
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()


def _clear(lab: Lab) -> None:
    lab.destroy()
    shutil.rmtree(_FOLDER, ignore_errors=True)


def main() -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.faults")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=INJECTIONS, default=[])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--hosts", type=int, choices=(3, 5), default=5, help="of the lab")
    parser.add_argument("--keep", action="store_true", help="leave the lab as it is at the end")
    parser.add_argument("--resume", action="store_true", help="go on with a lab that was kept")
    asked = parser.parse_args()
    wanted = [INJECTIONS[name] for name in asked.only or INJECTIONS]
    if asked.list:
        print("\n".join(one.name for one in wanted))
        return 0
    rows, lab = Rows(), Lab(NAME)
    try:
        if not asked.resume:
            _clear(lab)
            _FOLDER.mkdir(parents=True)
        lab.up(asked.hosts)
        ground = Ground(lab, _FOLDER)
        if asked.resume:
            ground.resume()
        else:
            ground.begin()
        trials(wanted, ground, rows)
        ground.starter.end()
    finally:
        if not asked.keep:
            _clear(lab)
    table.write()
    print(f"{len(wanted)} injections, {len(rows.failed)} not as expected: {rows.failed}")
    return 1 if rows.failed else 0


if __name__ == "__main__":
    sys.exit(main())
