"""How a test has servers of MindIE misbehave on a lab host."""

import json
from pathlib import Path

from roles.lab import LabHost

_KNOB = "var/lib/standin/ascend/knobs/mindie"


def misbehave(host: LabHost, when: str = "", **standin: object) -> None:
    """
    Have those servers misbehave that are started from now on; see ``daemon/mischief.py``.

    :param when: a text of the settings of those that are meant, as in ``'"maxSeqLen":4096'``
    :param standin: ``answer``, ``answer_s``, ``crash_after_s``, ``die_at_start``, ``hang``,
        ``start_s`` and ``grace_s``
    """
    file = Path(host.disk.root) / _KNOB
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{json.dumps({'when': when, **standin})}\n")


def behave(host: LabHost) -> None:
    """Have servers that are started from now on behave again."""
    (Path(host.disk.root) / _KNOB).unlink(missing_ok=True)
