"""Misbehaviour that a test asks for with ``--hf-overrides '{"standin": {…}}'``."""

from __future__ import annotations

import dataclasses
from typing import Any

from .errors import StartError


@dataclasses.dataclass(frozen=True)
class Mischief:
    """How this server differs from a good one."""

    answer: str | None = None
    """What it answers, whatever it is asked."""
    answer_s: float = 0.0
    """How long each answer takes."""
    crash_after_s: float | None = None
    """When it exits with status 1, counted from its readiness."""
    die_at_start: str | None = None
    """The error it dies of instead of serving."""
    fail: bool = False
    """It is healthy and answers every question with 500."""
    hang: bool = False
    """It is healthy and never answers."""
    hold_mib: int = 0
    """How much memory it holds on to from its start, besides what it needs."""
    reuseport: bool = True
    """It shares its port with others in silence, as vLLM up to 0.20.2 does."""
    start_s: float = 0.2
    """How long it takes to be ready."""


def asked(overrides: dict[str, Any]) -> Mischief:
    """The mischief in ``--hf-overrides``; a key that means nothing is an error."""
    wanted = overrides.get("standin", {})
    if not isinstance(wanted, dict):
        raise StartError(f"ValueError: standin: {wanted!r} is not an object")
    for key, value in wanted.items():
        if key in ("answer", "die_at_start"):
            good = isinstance(value, str)
        elif key in ("fail", "hang", "reuseport"):
            good = isinstance(value, bool)
        elif key == "hold_mib":
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        elif key in ("answer_s", "crash_after_s", "start_s"):
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        else:
            raise StartError(f"ValueError: standin: {key!r} is no misbehaviour of this stand-in")
        if not good:
            raise StartError(f"ValueError: standin/{key}: {value!r} will not do")
    return Mischief(**wanted)
