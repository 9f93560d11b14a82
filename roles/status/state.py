"""How well something is; what nobody knows is not taken for well."""

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """The worst first."""

    WRONG = "wrong"
    UNKNOWN = "unknown"
    LOOK = "look"
    WELL = "well"


def worst(states: Iterable[str]) -> State:
    """Return the worst of all."""
    found = set(states)
    return next((state for state in State if state in found), State.WELL)


def of(*, wrong: object = (), unknown: object = (), look: object = ()) -> State:
    """Return the state of what these were found out about."""
    if wrong:
        return State.WRONG
    if unknown:
        return State.UNKNOWN
    return State.LOOK if look else State.WELL
