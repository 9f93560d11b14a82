"""
An operator who stops a run: it leaves within seconds, and its exit code says so.

pyinfra would end with 0, and not before one of the jobs that it follows has ended: what gives locks
back waits for its turn among them. Jobs go on where they are; whoever follows one says that when it
is stopped itself. Whoever is about to begin something looks here first.
"""

import signal
from functools import partial
from types import FrameType

import gevent
from pyinfra.api import State
from pyinfra.api.output import echo
from pyinfra.context import ctx_state

EXIT_CODE = 128 + signal.SIGINT
_SAID = "stopping as you asked; Ctrl-C once more to leave without giving the hosts' locks back"

_asked: list[int] = []


def heed() -> None:
    """Have this run leave when it is interrupted."""
    state: State = ctx_state.get()

    def stop(number: int, frame: FrameType | None) -> None:
        _asked.append(number)
        hub = gevent.get_hub()
        if len(_asked) == 1:
            # Not here, which may be in the middle of another line.
            hub.loop.run_callback(partial(echo, _SAID, err=True))
            if state.initialised and state.pool is not None:
                state.pool.kill(block=False)
        if gevent.getcurrent() is hub.parent:
            _leave()
        # What works for a host is no one to end a run, and what is said is said first.
        hub.loop.run_callback(_leave)

    signal.signal(signal.SIGINT, stop)


def asked() -> bool:
    """Say whether the operator has."""
    return bool(_asked)


def _leave() -> None:
    raise SystemExit(EXIT_CODE)
