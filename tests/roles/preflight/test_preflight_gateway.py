"""Where a gateway and an agent are to listen, nobody else does; and their keys are to be had."""

from ipaddress import ip_address
from typing import Any

import pytest

from roles.preflight import against, deploy
from roles.spec import Accelerator, Agent, Client, Gateway, HostSpec, Secret
from tests.roles.faked import bare, on_host


def _spec() -> HostSpec:
    client = Client(name="team-a", key=Secret(env="TEST_EDGE_KEY_OF_NOBODY"))
    gateway = Gateway(
        address=ip_address("10.0.0.9"), port=443, models=("qwen3-8b",), clients=(client,)
    )
    return HostSpec(accelerator=Accelerator.CPU, gateway=gateway, agent=Agent())


def _listens(port: int, unit: str | None, *, pid: int = 700) -> dict[str, Any]:
    one = {"port": port, "pid": pid, "process": "nginx", "unit": unit}
    return bare() | {"ports": [one]}


@pytest.mark.parametrize(
    ("port", "path"), [(443, "gateway/port"), (29652, "gateway/own_port"), (29651, "agent/port")]
)
def test_port_of_somebody_else(port: int, path: str) -> None:
    (reason,) = against(_spec(), _listens(port, None))
    assert str(reason) == (
        f"{path}: found {port} is held by nginx, wanted a free port; stop it there, or choose "
        "another port [port]"
    )
    assert reason.refuses


@pytest.mark.parametrize(
    ("port", "unit"),
    [
        (443, "metalserve-gateway.service"),
        (29652, "metalserve-gateway.service"),
        (29651, "metalserve-agent.service"),
    ],
)
def test_our_own(port: int, unit: str) -> None:
    assert against(_spec(), _listens(port, unit)) == []


def test_systemd_listens_for_an_agent_that_nobody_asked_yet() -> None:
    assert against(_spec(), _listens(29651, "init.scope", pid=1)) == []


def test_keys_are_looked_for_before_the_first_change() -> None:
    with on_host(_spec(), bare()) as host:
        (reason,) = [one for one in deploy._reasons(host) if one.code == "secret"]
    assert reason.path == "gateway/clients/team-a/key"
    assert "TEST_EDGE_KEY_OF_NOBODY holds no secret on this machine" in reason.found
