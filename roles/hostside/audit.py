"""The audit log: who changed what, when, from where, with what result."""

from __future__ import annotations

import json

import durable
import places


def note(who: str, what: str, result: str) -> None:
    """Append a line."""
    entry = {"at": durable.now(), "who": who, "what": what, "result": result}
    durable.append(places.AUDIT, json.dumps(entry) + "\n")
