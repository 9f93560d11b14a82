"""Injections: the job on the host, and systemd that runs it."""

from __future__ import annotations

from tests.lab.faults.injection import BACK, NEW, NOTHING, OLD, STEPS, WRONG, Injection, Kind
from tests.lab.faults.trial import JOB, UNIT, Trial


def _meanwhile(trial: Trial, command: str) -> None:
    trial.start()
    trial.reached()
    trial.on(command)
    trial.go()
    trial.end()


def _killed(trial: Trial) -> None:
    _meanwhile(trial, f"systemctl kill -s KILL {JOB}")


def _stopped(trial: Trial) -> None:
    _meanwhile(trial, f"systemctl stop {JOB}")


def _killed_with_recovery(trial: Trial) -> None:
    """What comes after a job that was killed is killed, too."""
    trial.start()
    trial.reached()
    for host in trial.hit:
        trial.file(host, "at").unlink()
        trial.file(host, "wish").write_text("swap back")
    trial.on(f"systemctl kill -s KILL {JOB}")
    trial.reached()
    trial.on(f"systemctl kill -s KILL {JOB}")
    trial.end()


def _recovered(trial: Trial) -> None:
    trial.on("python3 /opt/metalserve/hostside/recovery.py job chat")


def _reloaded(trial: Trial) -> None:
    _meanwhile(trial, "systemctl daemon-reload")


def _reexecuted(trial: Trial) -> None:
    _meanwhile(trial, "systemctl daemon-reexec")


def _without_journal(trial: Trial) -> None:
    _meanwhile(trial, "systemctl kill -s KILL systemd-journald; sleep 1")


def _without_bus(trial: Trial) -> None:
    _meanwhile(trial, "systemctl kill -s KILL dbus; sleep 1")


def _engine_stopped(trial: Trial) -> None:
    _meanwhile(trial, f"systemctl stop {UNIT}")


_KILLED = ("the job was killed at step",)

INJECTIONS = (
    *(
        Injection(
            name=f"job-{step.replace(' ', '-')}", what="the job killed (SIGKILL)", at=step,
            does=_killed, wish=WRONG if step in BACK else {}, says=_KILLED,
        )
        for step in STEPS
    ),
    Injection(
        name="job-first", what="the job killed (SIGKILL)", at="restart", kind=Kind.FIRST,
        does=_killed, served=NOTHING, says=_KILLED,
    ),
    Injection(
        name="job-rollback", what="the job killed (SIGKILL)", at="ask", kind=Kind.ROLLBACK,
        does=_killed, says=_KILLED,
    ),
    Injection(
        name="job-stopped", what="`systemctl stop` of the job by hand", at="restart",
        does=_stopped, says=_KILLED,
    ),
    Injection(
        name="job-and-recovery", what="the job killed, and what puts back after it, too",
        at="restart", does=_killed_with_recovery, served=OLD, then=_recovered,
        mended="`recovery.py job chat` by hand",
    ),
    Injection(
        name="daemon-reload", what="`systemctl daemon-reload`", at="restart", does=_reloaded,
        served=NEW, code=0,
    ),
    Injection(
        name="daemon-reexec", what="`systemctl daemon-reexec`", at="restart", does=_reexecuted,
        served=NEW, code=0,
    ),
    Injection(
        name="journald-killed", what="journald killed (SIGKILL)", at="restart",
        does=_without_journal, served=NEW, code=0,
    ),
    Injection(
        name="dbus-killed", what="dbus killed (SIGKILL)", at="restart", does=_without_bus,
        served=NEW, code=0,
    ),
    Injection(
        name="engine-stopped-by-hand", what="`systemctl stop` of the new server by hand",
        at="ask", does=_engine_stopped, says=("answers wrong",),
    ),
)  # fmt: skip
