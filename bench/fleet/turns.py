"""How long a host's turn took, from its journal of the activation and the gateway's log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.fleet.heard import Line


@dataclass(frozen=True)
class Turn:
    """
    A host's turn in an upgrade or a rollback.

    :param outcome: the journal's word for how it ended
    :param drained_s: from leaving rotation until nothing was in flight
    :param out_s: from there until a release served and had answered right; the journal's clock has
        whole seconds
    :param back_s: from there to the end of its first answer through the gateway
    """

    host: str
    outcome: str
    drained_s: float
    out_s: float
    back_s: float | None


def turn(host: str, journal: dict[str, Any], among: Iterable[Line]) -> Turn:
    """Return the figures of an activation that came to an end."""
    at = {step["step"]: _time(step["at"]) for step in journal["steps"]}
    ended = _time(journal["ended"])
    # One that was refused before the swap has drained until it went back.
    swapped = at.get("swap", ended)
    answers = [line.at for line in among if line.host == host and line.answered]
    first = min((at for at in answers if at > ended), default=None)
    return Turn(
        host=host,
        outcome=journal["outcome"],
        drained_s=swapped - at.get("drain", swapped),
        out_s=ended - swapped,
        back_s=None if first is None else round(first - ended, 1),
    )


def began(journal: dict[str, Any]) -> float:
    """Return when an activation began."""
    return _time(journal["began"])


def _time(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()
