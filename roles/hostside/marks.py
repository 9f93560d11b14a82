"""Marks of releases that failed by their own fault, to which no rollback goes."""

from __future__ import annotations

import contextlib
import os
from typing import List

import durable
import places


def mark(instance: str, release: str, why: str, evidence: List[str]) -> None:
    """Mark a release as bad."""
    note = {"at": durable.now(), "why": why, "evidence": evidence}
    durable.write_json(_path(instance, release), note)


def unmark(instance: str, release: str) -> None:
    """Take back what ``mark`` did."""
    with contextlib.suppress(OSError):
        os.unlink(_path(instance, release))


def _path(instance: str, release: str) -> str:
    return "{}/{}.json".format(places.bad(instance), release)
