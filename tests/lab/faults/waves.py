"""
Injections: three hosts that change in waves, one after the other.

What serves is told of the canary, of the host of the second wave, and of that of the third.
"""

from __future__ import annotations

import json
import signal

from roles.lab import LabHost
from roles.lab.command import wait
from tests.lab.faults.control import LEFT, alone, interrupt
from tests.lab.faults.gateways import gateway
from tests.lab.faults.injection import NEW, OLD, WRONG, Injection
from tests.lab.faults.trial import Trial, TrialError

_JOURNAL = "var/lib/metalserve/transactions/chat.json"


def _fleet(**fields: object) -> str:
    """Return how each of the three is a wave of its own."""
    shares = {"shares": (70, 100)} | fields
    return f"Fleet({', '.join(f'{name}={value!r}' for name, value in shares.items())})"


def _begin(trial: Trial) -> None:
    trial.start("upgrade")
    trial.reached()


def _serves(trial: Trial, host: LabHost) -> None:
    """Wait until a host has committed what this run brings."""

    def committed() -> bool:
        record = json.loads((host.disk.root / _JOURNAL).read_text())
        return bool(record["outcome"] == "committed" and record != before)

    before = json.loads((host.disk.root / _JOURNAL).read_text())
    trial.start("upgrade")
    if not wait(lambda: committed() or trial.ended, within_s=300) or trial.ended:
        raise TrialError(f"{host.name} has committed nothing while the run goes on")


def _killed_between(trial: Trial) -> None:
    _serves(trial, trial.hosts[0])
    trial.kill(signal.SIGKILL)


def _killed(trial: Trial) -> None:
    _begin(trial)
    trial.kill(signal.SIGKILL)
    trial.go()
    alone(trial)


def _interrupted(trial: Trial) -> None:
    trial.start("upgrade", anew=True)
    interrupt(trial)
    trial.go()
    alone(trial)


def _off(trial: Trial) -> None:
    _begin(trial)
    trial.crash()
    trial.boot()
    trial.end()


def _gateway_restarted(trial: Trial) -> None:
    _begin(trial)
    gateway(trial).run("systemctl restart metalserve-gateway")
    trial.go()
    trial.end()


def _job_killed(trial: Trial) -> None:
    _begin(trial)
    trial.on("systemctl kill -s KILL metalserve-job-activate-chat")
    trial.go()
    trial.end()


def _run(trial: Trial) -> None:
    trial.start("upgrade")
    trial.end()


_DOWN = "the host went down at step"

INJECTIONS = (
    Injection(
        name="wave-controller-between", what="pyinfra killed (SIGKILL)", hosts=3,
        when="between the canary and the second wave", does=_killed_between, which=(0,),
        fleet=_fleet(settle_s=60), each=(NEW, OLD, OLD), code=None, left=("lock",),
    ),
    Injection(
        name="wave-controller-canary", what="pyinfra killed (SIGKILL)", hosts=3, at="restart",
        when="the canary's restart", does=_killed, which=(0,), fleet=_fleet(),
        each=(NEW, OLD, OLD), code=None, left=("lock",),
    ),
    Injection(
        name="wave-controller-second", what="pyinfra killed (SIGKILL)", hosts=3, at="restart",
        when="the second wave's restart", does=_killed, which=(1,), fleet=_fleet(),
        each=(NEW, NEW, OLD), code=None, left=("lock",),
    ),
    Injection(
        name="wave-ctrl-c", what="Ctrl-C", hosts=3, at="restart", when="the second wave's restart",
        does=_interrupted, which=(1,), fleet=_fleet(), each=(NEW, NEW, OLD), code=130, says=LEFT,
    ),
    Injection(
        name="wave-power-canary", what="power of the canary off", hosts=3, at="restart",
        when="the canary's restart", does=_off, which=(0,), fleet=_fleet(), each=(OLD, OLD, OLD),
        says=(_DOWN, "not begun: 1 host failed", "the budget is 0"), mended="boot",
    ),
    Injection(
        name="wave-power-second", what="power of the second wave's host off", hosts=3, at="restart",
        when="the second wave's restart", does=_off, which=(1,), fleet=_fleet(),
        each=(NEW, OLD, OLD), says=(_DOWN, "not begun: 1 host failed", "the budget is 0"),
        mended="boot",
    ),
    Injection(
        name="wave-power-second-back", what="power of the second wave's host off, and the fleet is"
        " to go back", hosts=3, at="restart", when="the second wave's restart", does=_off,
        which=(1,), fleet=_fleet(on_refusal="back"), each=(OLD, OLD, OLD),
        says=(_DOWN, "not begun: 1 host failed"), mended="boot",
    ),
    Injection(
        name="wave-gateway-restarted", what="the gateway restarted", hosts=3, alone=True,
        at="drain", when="the second wave's drain", does=_gateway_restarted, which=(1,),
        fleet=_fleet(), each=(NEW, NEW, NEW), code=0,
    ),
    Injection(
        name="wave-within-budget", what="the canary's job killed (SIGKILL); one host may fail",
        hosts=3, at="restart", when="the canary's restart", does=_job_killed, which=(0,),
        fleet=_fleet(failures=1), each=(OLD, NEW, NEW), says=("the job was killed at step",),
    ),
    Injection(
        name="wave-budget-reached", what="the new server answers wrong; one host may fail", hosts=3,
        when="each wave", does=_run, which=(0, 1), fleet=_fleet(failures=1), wish=WRONG,
        each=(OLD, OLD, OLD), says=("not begun: 2 hosts failed", "the budget is 1"),
    ),
)  # fmt: skip
