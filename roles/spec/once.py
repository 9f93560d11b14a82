"""What is worked out once for a noun, however many hosts share it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from roles.spec.base import Spec

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


def once(work: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
    """
    Remember what a pure function of nouns gave.

    Nouns are known by being the same, not by being equal: they never change, not all of them have
    a hash, and to compare two may take longer than the work.
    """
    known: dict[tuple[object, ...], tuple[object, _Found]] = {}

    @wraps(work)
    def remembered(*given: _Given.args, **named: _Given.kwargs) -> _Found:
        nouns = (*given, *named.items())
        key = tuple(id(one) if isinstance(one, Spec) else one for one in nouns)
        if key not in known:
            # Held with it, since what is thrown away leaves its id to others.
            known[key] = nouns, work(*given, **named)
        return known[key][1]

    return remembered
