"""
Injections: clocks that jump, and files that are dated ahead.

Hosts of a lab share the clock of this machine, which is left alone. libfaketime is preloaded into
pyinfra; on hosts it would not do, since Python's sleep fails under Debian 12's when the monotonic
clock is to stay as it is. There every process, systemd's too, has ``fault_clock.c`` from boot on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.faults.injection import NEW, Injection
from tests.lab.faults.trial import Trial

_LIBRARY = "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def _controller(trial: Trial, by: str) -> None:
    """The control machine has another time from the start on."""
    library = Path(trial.hosts[0].disk.root) / _LIBRARY
    told = {"LD_PRELOAD": str(library), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    kept = trial.site.environment
    trial.site.environment = kept | told
    trial.start(anew=True)
    trial.site.environment = kept
    trial.end()


def _controller_ahead(trial: Trial) -> None:
    _controller(trial, "+1h")


def _controller_back(trial: Trial) -> None:
    _controller(trial, "-1h")


def _dated_ahead(trial: Trial) -> None:
    trial.on(
        "find /var/lib/metalserve /opt/metalserve/releases /opt/metalserve/instances"
        " /opt/metalserve/hostside/ -exec touch -h -d '+1 hour' {} +"
    )
    trial.start()
    trial.end()


def _ahead(trial: Trial) -> None:
    _jumps(trial, _DAY_S)


def _back(trial: Trial) -> None:
    _jumps(trial, -_DAY_S)


def _jumps(trial: Trial, by_s: int) -> None:
    trial.start()
    trial.reached()
    trial.jump(by_s)
    trial.go()
    trial.end()


_DAY_S = 86400
_WAYS: tuple[tuple[str, Callable[[Trial], None]], ...] = (("ahead", _ahead), ("back", _back))
_AT: dict[str, dict[str, Any]] = {
    "install": {"when": "the stack is installed", "brings": "stack"},
    "fetch": {"when": "the weights are fetched", "brings": "weights"},
    "restart": {},
    "ask": {},
}
_OUT = "CUDA out of memory"

INJECTIONS = (
    *(
        Injection(
            name=f"clock-{way}-{at}", what=f"the host's clock jumps a day {way}", at=at, does=does,
            served=NEW, code=0, **how,
        )
        for way, does in _WAYS
        for at, how in _AT.items()
    ),
    *(
        Injection(
            name=f"clock-{way}-bad", what=f"the host's clock jumps a day {way}, and the new server"
            " dies at start", at="restart", does=does, wish={"die_at_start": _OUT}, says=(_OUT,),
        )
        for way, does in _WAYS
    ),
    Injection(
        name="clock-controller-ahead", what="the control machine's clock is an hour ahead"
        " (libfaketime in pyinfra)", when="the whole run", does=_controller_ahead, served=NEW,
        code=0,
    ),
    Injection(
        name="clock-controller-back", what="the control machine's clock is an hour behind"
        " (libfaketime in pyinfra)", when="the whole run", does=_controller_back, served=NEW,
        code=0,
    ),
    Injection(
        name="clock-files", what="every file of ours is dated an hour ahead (`touch`)",
        when="before the run", does=_dated_ahead, served=NEW, code=0,
    ),
)  # fmt: skip
