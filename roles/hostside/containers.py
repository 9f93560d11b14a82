"""Containers of our instances: which unit each belongs to, as its unit wrote it down."""

from __future__ import annotations

import durable
import glance
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

PROXY = "docker-proxy"
_ID_LONG = 64


def unit_of(group: str) -> str | None:
    """Return the unit of ours that a control group is the container of."""
    if len(group) < _ID_LONG:
        return None
    return _unit([one for one in _notes() if len(one["id"]) == _ID_LONG and one["id"] in group])


def publishing(port: int) -> str | None:
    """Return the unit of ours whose container Docker listens for on a port."""
    return _unit([one for one in _notes() if one["port"] == port])


def _notes() -> List[Any]:
    found = [durable.read_json(places.container(name)) for name in glance.names(places.RUN)]
    return [one for one in found if one]


def _unit(notes: List[Any]) -> str | None:
    return str(notes[0]["unit"]) if notes else None
