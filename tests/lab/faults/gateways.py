"""Injections: what tells gateways, and the gateway itself."""

from __future__ import annotations

import time

from roles.lab import Lab, LabHost
from tests.lab.faults.injection import NEW, WRONG, Injection
from tests.lab.faults.trial import Trial

_AGENT = "metalserve-agent"


def gateway(trial: Trial) -> LabHost:
    """The third host of the lab."""
    return Lab(trial.hosts[0].name.rpartition("-")[0]).hosts[2]


def _agent_stopped_before(trial: Trial) -> None:
    trial.on(f"systemctl stop {_AGENT}.socket {_AGENT}.service")
    trial.start()
    trial.end()


def _agent_stopped(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"systemctl stop {_AGENT}.socket {_AGENT}.service")
    trial.go()
    trial.end()


def _agent_killed(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"systemctl kill -s KILL {_AGENT}.service || true")
    trial.go()
    trial.end()


def _agent_started(trial: Trial) -> None:
    trial.on(f"systemctl restart {_AGENT}.socket")


def _at_the_gateway(trial: Trial, command: str) -> None:
    trial.start()
    trial.reached()
    gateway(trial).run(command)
    trial.go()
    trial.end()


def _restarted(trial: Trial) -> None:
    _at_the_gateway(trial, "systemctl restart metalserve-gateway")


def _killed(trial: Trial) -> None:
    _at_the_gateway(trial, "systemctl kill -s KILL metalserve-gateway")


def _off(trial: Trial) -> None:
    trial.start()
    trial.reached()
    host = gateway(trial)
    host.crash()
    host.start()
    trial.go()
    trial.end()


def _cut(trial: Trial) -> None:
    trial.start()
    trial.reached()
    host = gateway(trial)
    host.cut()
    trial.go()
    time.sleep(8)
    host.mend()
    trial.end()


INJECTIONS = (
    Injection(
        name="agent-dead-before", what="the agent is stopped", when="before the run",
        does=_agent_stopped_before, then=_agent_started,
        says=("gateways would not stop sending: the agent on port 29651 does not answer",),
        mended="`systemctl restart metalserve-agent.socket`",
    ),
    *(
        Injection(
            name=f"agent-dead-{step}", what="the agent is stopped", at=step, does=_agent_stopped,
            served=NEW, code=0, then=_agent_started,
            mended="`systemctl restart metalserve-agent.socket`",
        )
        for step in ("begin", "ask")
    ),
    Injection(
        name="agent-dead-bad", what="the agent is stopped", at="swap back", does=_agent_stopped,
        wish=WRONG, then=_agent_started, mended="`systemctl restart metalserve-agent.socket`",
    ),
    Injection(
        name="agent-killed", what="the agent killed (SIGKILL)", at="drain", does=_agent_killed,
        served=NEW, code=0,
    ),
    Injection(
        name="gateway-restarted", what="the gateway restarted", at="drain", does=_restarted,
        hosts=2, alone=True, served=NEW, code=0,
    ),
    Injection(
        name="gateway-killed", what="the gateway killed (SIGKILL)", at="ask", does=_killed,
        hosts=2, alone=True, served=NEW, code=0,
    ),
    Injection(
        name="gateway-off", what="power of the gateway's host off", at="drain", does=_off,
        hosts=2, alone=True, served=NEW, code=0,
    ),
    Injection(
        name="gateway-off-bad", what="power of the gateway's host off", at="swap back", does=_off,
        hosts=2, alone=True, wish=WRONG,
    ),
    Injection(
        name="gateway-cut", what="network of the gateway's host cut for 8 s", at="drain",
        does=_cut, hosts=2, alone=True, served=NEW, code=0,
    ),
)  # fmt: skip
