"""What a bench prints: a table as Markdown, or with ``--json`` an object a line."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any


def words(about: str, *, hosts: int) -> ArgumentParser:
    """
    Return the reader of what every bench of a lab is told.

    :param hosts: how many, unless it is told
    """
    parser = ArgumentParser(prog=sys.argv[0], description=about)
    parser.add_argument("--hosts", type=int, default=hosts, metavar="N", help=f"{hosts} by default")
    parser.add_argument("--json", action="store_true", help="an object a row, on stdout alone")
    return parser


class Rows:
    """Rows as they are measured. With ``as_json`` stdout is theirs, and what is said beside it."""

    def __init__(self, columns: Sequence[str], *, as_json: bool) -> None:
        self.columns, self.as_json = columns, as_json

    def say(self, text: str) -> None:
        """Say something that is no row."""
        print(text, file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def head(self) -> None:
        """Begin the table."""
        self.say(f"| {' | '.join(self.columns)} |\n|{'---|' * len(self.columns)}")

    def show(self, *cells: object) -> None:
        """Print a row that is for eyes alone."""
        told = ("" if cell is None else str(cell) for cell in cells)
        self.say(f"| {' | '.join(told)} |")

    def row(self, measured: Mapping[str, Any], *cells: object) -> None:
        """Print what was measured: the table has ``cells``, or its first values; JSON has all."""
        self.show(*(cells or list(measured.values())[: len(self.columns)]))
        if self.as_json:
            print(json.dumps(measured), flush=True)
