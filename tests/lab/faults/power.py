"""Injections: power."""

from __future__ import annotations

from roles.lab.command import wait
from tests.lab.faults.injection import (
    BACK,
    FORWARD,
    NEW,
    NOTHING,
    OLD,
    STEPS,
    WRONG,
    Injection,
    Kind,
)
from tests.lab.faults.trial import Trial, TrialError


def _off(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.crash()
    trial.boot()
    trial.end()


def _off_and_away(trial: Trial) -> None:
    """Nothing that would say goodbye for it is heard."""
    trial.start()
    trial.reached()
    _dark(trial)
    trial.end()


def _dark(trial: Trial) -> None:
    trial.each(lambda host: host.cut())
    trial.crash()
    trial.each(lambda host: host.mend())
    trial.boot()


def _reboot(trial: Trial) -> None:
    trial.start()
    trial.reached()
    # The question itself has to come to its end before.
    trial.on("nohup sh -c 'sleep 0.3; systemctl reboot' >/dev/null 2>&1 &")
    for host in trial.hit:
        if not wait(lambda: not host.answers(), within_s=120):  # noqa: B023
            raise TrialError(f"{host.name} does not go down")
    trial.each(lambda host: host.wait_ready())
    trial.end()


def _off_while_preparing(trial: Trial) -> None:
    trial.on("rm /etc/systemd/system/metalserve-agent.service; systemctl daemon-reload")
    trial.start()
    locks = [host.disk.root / "var/lib/metalserve/lock.json" for host in trial.hit]
    while not all(lock.exists() for lock in locks):
        assert not trial.ended, "the run ended before it took the lock"
    # A host whose first process is killed first can give the lock back before the others are.
    _dark(trial)
    trial.end()


_SAYS = ("the host went down at step",)

INJECTIONS = (
    *(
        Injection(
            name=f"power-both-{step.replace(' ', '-')}", what="power off, two hosts at once",
            at=step, does=_off, hosts=2, mended="boot", says=_SAYS,
            wish=WRONG if step in BACK else {},
        )
        for step in STEPS
    ),
    *(
        Injection(
            name=f"power-one-{step.replace(' ', '-')}", what="power off, one host of two", at=step,
            does=_off, hosts=2, mended="boot", wish=WRONG if step in BACK else {}, says=_SAYS,
            other=OLD if step in BACK else NEW,
        )
        for step in STEPS
    ),
    Injection(
        name="power-and-network", what="power and network off at the same moment", at="restart",
        does=_off_and_away, mended="boot", says=_SAYS,
    ),
    *(
        Injection(
            name=f"power-first-{step}", what="power off", at=step, kind=Kind.FIRST, does=_off,
            served=NOTHING, mended="boot", says=_SAYS,
        )
        for step in ("swap", "restart", "ask")
    ),
    *(
        Injection(
            name=f"power-rollback-{step}", what="power off", at=step, kind=Kind.ROLLBACK, does=_off,
            mended="boot", says=_SAYS,
        )
        for step in ("swap", "ask")
    ),
    Injection(
        name="power-stage-files", what="power off", at="stage: files",
        when="staging, before a release's first file", does=_off, mended="boot",
        left=("half a release", "lock"),
    ),
    Injection(
        name="power-stage-receipt", what="power off", at="stage: receipt",
        when="staging, before its receipt", does=_off, mended="boot", left=("lock",),
    ),
    Injection(
        name="power-prepare", what="power and network off", mended="boot", left=("lock",),
        when="prepare, after the lock was taken", does=_off_while_preparing,
    ),
    *(
        Injection(
            name=f"reboot-{step}", what="`systemctl reboot` by hand", at=step, does=_reboot,
            mended="boot", says=_SAYS,
        )
        for step in FORWARD[1:4]
    ),
)  # fmt: skip
