"""
Misbehaviour that a test asks for: an object in ``MINDIE_STANDIN``, or on a lab host in the file
``knobs/mindie``, which has one in each line. ``when`` in it says of which server it is: of that
whose settings, written without blanks, have that text in them.

``grace_s``, beside what the other stand-ins of servers know, is how long requests have to end when
the server is told to; MindIE gives them 5 s.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from tests.standins.openai.server import mischief as shared
from tests.standins.openai.server.errors import StartError

_KNOB = Path(os.environ.get("STANDIN_ASCEND", "/var/lib/standin/ascend")) / "knobs/mindie"


class Asked(NamedTuple):
    """What is asked for."""

    mischief: shared.Mischief
    grace_s: float


def asked(document: dict[str, Any]) -> Asked:
    """What is asked of the server with these settings; what means nothing is an error."""
    settings = json.dumps(document, separators=(",", ":"))
    found: dict[str, Any] = {}
    for line in (*_knob(), os.environ.get("MINDIE_STANDIN", "{}")):
        one = json.loads(line)
        if one.pop("when", "") in settings:
            found |= one
    grace_s = found.pop("grace_s", 5.0)
    if not isinstance(grace_s, (int, float)) or grace_s < 0:
        raise StartError(f"ValueError: standin/grace_s: {grace_s!r} will not do")
    return Asked(shared.asked({"standin": found}), float(grace_s))


def _knob() -> list[str]:
    try:
        return _KNOB.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
