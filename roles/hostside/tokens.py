"""
Tokens for hubs and keys for depots, which travel apart from plans: nobody but root reads them, and
they are read once.

``tokens.py keep JOB`` reads ``{"0": {header: value}}``, or ``{"0": {"key": text}}`` for a depot,
from its input, by the number of the source in the job's plan, and leaves it for the job. The file
is gone as soon as the job has read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Dict

import durable
import places

Shown = Dict[str, str]


def keep(job: str, given: Dict[str, Shown]) -> None:
    """Leave tokens for a job that is about to start."""
    folder = places.job(job)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    durable.write_json(_file(folder), given, mode=0o600)


def take(folder: str) -> Dict[str, Shown]:
    """Return what was left in a job's folder, and remove it."""
    found = durable.read_json(_file(folder)) or {}
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_file(folder))
    return dict(found)


def _file(folder: str) -> str:
    return folder + "/tokens.json"


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) != 3 or sys.argv[1] != "keep":
        raise SystemExit("usage: tokens.py keep JOB < TOKENS")
    keep(sys.argv[2], json.load(sys.stdin))


if __name__ == "__main__":
    main()
