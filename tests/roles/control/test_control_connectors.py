"""Connectors are looked for once, and are those that pyinfra finds."""

from typing import Any

import pytest
from pyinfra.api import Inventory, connectors, inventory

from roles import control


def test_connectors_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    right: dict[str, Any] = connectors.get_all_connectors()

    def counted() -> dict[str, Any]:
        looked.append("looked")
        return right

    monkeypatch.setattr(inventory, "get_all_connectors", counted)
    monkeypatch.setattr(connectors, "get_all_connectors", counted)
    control.know_connectors()
    hosts = Inventory((["gpu-1.example", "@local", "@ssh/gpu-2.example"], {}))
    assert {host.name: host.connector_cls for host in hosts} == {
        "gpu-1.example": right["ssh"],
        "@local": right["local"],
        "@ssh/gpu-2.example": right["ssh"],
    }
    assert looked == ["looked"]
