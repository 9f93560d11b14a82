"""
Injections: clocks that jump, and files that are dated ahead.

Hosts of a lab share the clock of this machine, which is left alone. libfaketime is preloaded into
pyinfra; a job on a host cannot have it: Debian 12's has Python's sleep fail when the monotonic
clock is to stay as it is.
"""

from __future__ import annotations

from pathlib import Path

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


INJECTIONS = (
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
