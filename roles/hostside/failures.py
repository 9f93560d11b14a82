"""
Known failures of engines: what a log means, where that is known from, and what to do about it.

``failures.py [--engine NAME] FILE…`` reads logs, ``-`` is the input: ``journalctl -o cat -u UNIT |
failures.py -``. It ends with 1 when it knows nothing of one of them. ``failures.py --table`` prints
everything that is known as it stands in ``docs/failures.md``.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import List, NamedTuple, Tuple

import known_ascend
import known_host
import known_memory
import known_options
import known_stack
import known_weights
import known_wrappers
import service
from known import ROOT, Known

_SHOWN_LINES = 12
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Of two that are found in one line, the first is believed: what is particular comes first.
KNOWN: Tuple[Known, ...] = (
    *known_memory.ROWS,
    *known_weights.ROWS,
    *known_stack.ROWS,
    *known_options.ROWS,
    *known_ascend.ROWS,
    *known_host.ROWS,
    *known_wrappers.ROWS,
)


class Found(NamedTuple):
    """A known failure, and the lines of a log that tell it, with the one before and after."""

    known: Known
    lines: List[str]


def diagnose(lines: List[str], engine: str | None = None) -> Found | None:
    """
    Return the earliest known cause in a log; only without one, what may be or points at one.

    :param engine: whose log it is, when that is known
    """
    text = "\n".join(_COLOURS.sub("", line) for line in lines)
    matches = []
    for number, known in enumerate(KNOWN):
        match = re.search(known.pattern, text, re.IGNORECASE) if known.concerns(engine) else None
        if match:
            began = text.count("\n", 0, match.start())
            matches.append((known.weight, began, number, match.group().count("\n")))
    if not matches:
        return None
    _, began, number, further = min(matches)
    return Found(KNOWN[number], text.split("\n")[max(0, began - 1) : began + further + 2])


def evidence(
    lines: List[str], engine: str | None = None, kernel: Tuple[str, ...] = ()
) -> List[str]:
    """
    Return what a log says of why a server failed, for people.

    :param kernel: what the kernel logged meanwhile; it is believed before the server, who sees
        what follows from it
    """
    found = diagnose([*kernel, *lines], engine)
    told = _told(found) if found else []
    if found is None or found.known.weight != ROOT:
        said = [_COLOURS.sub("", line) for line in lines if line.strip()]
        told += ["its last lines were:", *said[-_SHOWN_LINES:]]
    return told


def of_start(unit: str, since: float, engine: str | None) -> List[str]:
    """Return why a unit that was started at a time did not become ready, for people."""
    return evidence(service.log(unit, since), engine, tuple(service.kernel_log(since)))


def of_answers(unit: str, since: float, engine: str | None) -> List[str]:
    """Return what is known to have happened to a unit whose answers are wrong, mostly nothing."""
    found = diagnose([*service.kernel_log(since), *service.log(unit, since)], engine)
    return _told(found) if found and found.known.weight == ROOT else []


def table() -> str:
    """Return everything that is known, in Markdown."""
    rows = ["| cause | log, in any case | remedy | engines | known from |", "|---|---|---|---|---|"]
    for known in KNOWN:
        says = ", ".join("`{}`".format(text.replace("\n", " ⏎ ")) for text in known.says)
        engines = ", ".join(known.engines) or "any"
        cells = [known.cause, says, known.remedy, engines, known.source]
        rows.append("| {} |".format(" | ".join(cells)))
    return "\n".join(rows)


def _told(found: Found) -> List[str]:
    return [
        "cause: " + found.known.cause,
        "remedy: " + found.known.remedy,
        "known from: " + found.known.source,
        *("log: " + line.strip() for line in found.lines),
    ]


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="*", help="a log; - is the input")
    parser.add_argument("--engine", help="whose logs they are: vllm, lmdeploy, …")
    parser.add_argument("--table", action="store_true", help="print everything that is known")
    asked = parser.parse_args()
    if asked.table:
        print(table())
        return
    if not asked.files:
        parser.error("name a log, or - for the input")
    silent = False
    for file in asked.files:
        try:
            with open(0 if file == "-" else file, encoding="utf-8", errors="replace") as opened:
                lines = opened.read().splitlines()
        except OSError as error:
            parser.error(str(error))
        found = diagnose(lines, asked.engine)
        silent = silent or found is None
        print("{}: {}".format(file, "known" if found else "nothing known"))
        for line in _told(found) if found else []:
            print("  " + line)
    sys.exit(1 if silent else 0)


if __name__ == "__main__":
    main()
