"""Injections: the control machine, and the way to the hosts."""

from __future__ import annotations

import signal
import time
from typing import Any

from roles.lab.command import wait
from tests.lab.faults.injection import BACK, NEW, OLD, STEPS, WRONG, Injection, Kind
from tests.lab.faults.trial import JOB, Trial, TrialError

_LEAVES_WITHIN_S = 30


def _killed(trial: Trial) -> None:
    _ended_by(trial, signal.SIGKILL)


def interrupt(trial: Trial) -> None:
    """The run leaves while the job stands still."""
    trial.reached()
    trial.tell(signal.SIGINT)
    trial.end(_LEAVES_WITHIN_S)


def _interrupted(trial: Trial) -> None:
    trial.start(anew=True)
    interrupt(trial)
    trial.again()


def _hung_up(trial: Trial) -> None:
    _ended_by(trial, signal.SIGHUP)


def _ended_by(trial: Trial, sort: signal.Signals) -> None:
    trial.start()
    trial.reached()
    trial.kill(sort)
    trial.go()
    alone(trial)


def alone(trial: Trial) -> None:
    """Nobody watches: wait until each job has come to its end."""
    for host in trial.hit:
        asked = f"systemctl is-active {JOB}"
        if not wait(lambda: host.run(asked).returncode != 0, within_s=60, every_s=0.5):  # noqa: B023
            raise TrialError(f"{host.name}: the job does not end")


def _cut(trial: Trial, seconds: float) -> None:
    trial.start()
    trial.reached()
    trial.each(lambda host: host.cut())
    trial.go()
    time.sleep(seconds)
    trial.each(lambda host: host.mend())
    trial.end()


def _cut_shortly(trial: Trial) -> None:
    _cut(trial, 5)


def _cut_long(trial: Trial) -> None:
    """Longer than a connection is believed in that says nothing."""
    _cut(trial, 45)


def _cut_for_good(trial: Trial) -> None:
    """Longer than it is tried to connect again."""
    trial.start()
    trial.reached()
    trial.each(lambda host: host.cut())
    trial.go()
    trial.end()
    trial.each(lambda host: host.mend())
    alone(trial)


def _sessions_ended(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on("nohup sh -c 'sleep 0.3; pkill -KILL -f sshd:' >/dev/null 2>&1 &")
    time.sleep(1)
    trial.go()
    trial.end()


LEFT = ("stopping as you asked", "goes on there alone")
_CUT = "connection lost; the job goes on there, connecting again"

_INTERRUPTED: dict[str, dict[str, Any]] = {
    "install": {"when": "the stack is installed", "brings": "stack"},
    "fetch": {"when": "the weights are fetched", "brings": "weights"},
    "drain": {},
    "restart": {"hosts": 2},
}

INJECTIONS = (
    *(
        Injection(
            name=f"controller-{step.replace(' ', '-')}", what="pyinfra killed (SIGKILL)", at=step,
            does=_killed, hosts=2, code=None, served=OLD if step in BACK else NEW, left=("lock",),
            wish=WRONG if step in BACK else {},
        )
        for step in STEPS
    ),
    Injection(
        name="controller-rollback", what="pyinfra killed (SIGKILL)", at="restart", does=_killed,
        kind=Kind.ROLLBACK, code=None, served=NEW, left=("lock",),
    ),
    Injection(
        name="controller-first", what="pyinfra killed (SIGKILL)", at="restart", does=_killed,
        kind=Kind.FIRST, code=None, served=NEW, left=("lock",),
    ),
    Injection(
        name="controller-stage", what="pyinfra killed (SIGKILL)", at="stage: files",
        when="staging, before a release's first file", does=_killed, code=None,
        left=("lock",),
    ),
    *(
        Injection(
            name=f"ctrl-c-{at}", what="Ctrl-C", at=at, does=_interrupted, code=130, served=NEW,
            mended="run again, which follows the job", says=LEFT, **how,
        )
        for at, how in _INTERRUPTED.items()
    ),
    Injection(
        name="terminal-closed", what="the terminal is closed (SIGHUP)", at="restart",
        does=_hung_up, code=None, served=NEW, left=("lock",),
    ),
    *(
        Injection(
            name=f"cut-{step}", what="network cut for 5 s", at=step, does=_cut_shortly, code=0,
            served=NEW,
        )
        for step in ("drain", "ask")
    ),
    Injection(
        name="cut-both", what="network cut for 5 s, two hosts at once", at="restart",
        does=_cut_shortly, hosts=2, code=0, served=NEW,
    ),
    Injection(
        name="cut-bad", what="network cut for 5 s", at="swap back", does=_cut_shortly, wish=WRONG,
    ),
    Injection(
        name="cut-long", what="network cut for 45 s, longer than a silent connection is believed",
        at="restart", does=_cut_long, code=0, served=NEW, says=(_CUT,),
    ),
    Injection(
        name="cut-for-good", what="network cut until the run gives up, after 300 s", at="restart",
        does=_cut_for_good, served=NEW, left=("lock",),
        says=(_CUT, "no connection; the job activate-chat ends alone, run again to see"),
    ),
    Injection(
        name="cut-stage", what="network cut for 45 s", at="stage: files",
        when="staging, before a release's first file", does=_cut_long, left=("lock",),
    ),
    Injection(
        name="sessions-ended", what="every SSH session on the host killed", at="restart",
        does=_sessions_ended, code=0, served=NEW, says=(_CUT,),
    ),
)  # fmt: skip
