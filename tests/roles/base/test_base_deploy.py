"""When a host that was prepared is prepared again."""

import pytest

from roles.base.deploy import _answers
from roles.spec import Agent
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


@pytest.mark.parametrize(
    ("port", "agent", "answers"),
    [(29651, Agent(), True), (29650, Agent(), False), (29650, None, True)],
)
def test_agent_that_was_stopped(
    nouns: Nouns, port: int, agent: Agent | None, answers: bool
) -> None:
    spec = nouns.host(nouns.instance(), agent=agent)
    there = {"port": port, "pid": 1, "process": "systemd", "unit": None}
    with on_host(spec, bare() | {"ports": [there]}) as host:
        assert _answers(host, spec) is answers
    with on_host(spec, bare() | {"ports": None, "faults": {"ports": "OSError: no"}}) as host:
        assert _answers(host, spec)
