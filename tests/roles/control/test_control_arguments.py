"""What pyinfra asks itself for every operation of every host, it is told once."""

import pytest
from pyinfra.api import arguments, facts

from roles import control


def test_arguments_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    right = arguments.all_global_arguments()

    def counted() -> list[tuple[str, type]]:
        read.append("read")
        return right

    monkeypatch.setattr(arguments, "all_global_arguments", counted)
    monkeypatch.setattr(facts, "all_global_arguments", counted)
    control.know_arguments()
    assert arguments.all_global_arguments() == facts.all_global_arguments() == right
    assert dict(right)["_sudo"] is bool
    assert read == ["read"]
