"""Gateways: their ports, and that of whoever answers them."""

from collections.abc import Iterator
from typing import Any

from roles import gateway
from roles.preflight import seen
from roles.preflight.reason import Reason
from roles.spec import HostSpec

# systemd itself listens for what it starts when somebody asks.
_AGENT = ("metalserve-agent.service", "metalserve-agent.socket", "init.scope")


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against listening."""
    wanted: list[tuple[str, int, tuple[str, ...]]] = []
    if spec.gateway:
        wanted += [
            ("gateway/port", spec.gateway.port, (gateway.UNIT,)),
            ("gateway/own_port", spec.gateway.own_port, (gateway.UNIT,)),
        ]
    if spec.agent:
        wanted.append(("agent/port", spec.agent.port, _AGENT))
    for path, port, ours in wanted:
        for listener in found["ports"]:
            if listener["port"] != port or listener["unit"] in ours or listener["pid"] == 1:
                continue
            yield Reason(
                code="port",
                path=path,
                found=f"{port} is held by {seen.holder(listener)}",
                wanted="a free port",
                remedy="stop it there, or choose another port",
            )
