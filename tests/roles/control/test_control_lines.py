"""Calls are told apart as they would be by what pyinfra asks itself, in the same order."""

import inspect
from types import FrameType

import pytest
from pyinfra.api import util

from roles import control


@pytest.fixture(autouse=True)
def _given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stack", "getframeinfo"):
        monkeypatch.setattr(util, name, getattr(util, name))


def _seen() -> list[tuple[str, int]]:
    found = []
    for item in util.stack():
        line = util.getframeinfo(item[0])
        found.append((line.filename, line.lineno))
    return found


def test_lines_are_those_of_inspect() -> None:
    both = []
    for ours in (False, True):
        if ours:
            control.know_lines()
        both.append(_seen())
    assert both[0] == both[1]
    assert both[0][0] == (__file__, _seen.__code__.co_firstlineno + 3)
    assert len(both[0]) > 3


def test_code_around_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(frame: FrameType) -> None:
        raise AssertionError(frame)

    monkeypatch.setattr(inspect, "getmodule", read)
    monkeypatch.setattr(inspect, "findsource", read)
    control.know_lines()
    assert util.get_call_location(frame_offset=0).endswith("test_control_lines.py")
