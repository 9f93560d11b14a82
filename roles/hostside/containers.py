"""Containers of our instances: which unit each belongs to, as its unit wrote it down."""

from __future__ import annotations

import glob
import re

import durable
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

PROXY = "docker-proxy"
_ID = re.compile("[0-9a-f]{64}")


def unit_of(group: str) -> str | None:
    """Return the unit of ours that a control group is the container of."""
    found = _ID.search(group)
    if found is None:
        return None
    return _unit([one for one in _notes() if one["id"] == found.group()])


def publishing(port: int) -> str | None:
    """Return the unit of ours whose container Docker listens for on a port."""
    return _unit([one for one in _notes() if one["port"] == port])


def _notes() -> List[Any]:
    found = [durable.read_json(path) for path in glob.glob(places.container("*"))]
    return [one for one in found if one]


def _unit(notes: List[Any]) -> str | None:
    return str(notes[0]["unit"]) if notes else None
