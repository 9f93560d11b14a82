"""Memory of a run, which ends with it."""

import atexit
import gc

_YOUNG = 100_000


def keep_memory() -> None:
    """
    Have Python look for garbage seldom, and not once more on its way out.

    Of the very many objects that are there by now, and come with what is imported next, none ever
    is garbage; but Python would look through them all every few thousand more, and at the end.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
