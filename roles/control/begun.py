"""The moment from which a run has an inventory."""

from collections.abc import Callable
from typing import Any

from pyinfra.api import State


def when_begun(state: State, work: Callable[[], None]) -> None:
    """
    Have ``work`` done once a run knows its hosts, and before it connects to the first. pyinfra
    tells nobody of it, and throws away there what had asked to be told of anything else.
    """
    begun: Callable[..., None] = state.init

    def init(*given: Any, **more: Any) -> None:
        begun(*given, **more)
        work()

    state.init = init  # type: ignore[method-assign]
