"""What ``json`` reads and writes, this does alike, with it and without."""

import builtins
import json
import math
import sys
from typing import Any

import durable
import pytest

_VALUES = [
    {"a": [1, -2.5, 1e300, True, None], "é": "\U0001f600 \"\\/\b\n", "": {}},
    [], "text", 0, 12345678901234567890, None,
]  # fmt: skip
_TEXTS = [
    "", " ", "{", '{"why": }', "[1,]", "1 2", '"\n"', "{why: 1}", "nul", '"\\x"', "\ufeff1",
]  # fmt: skip


@pytest.fixture(params=["plain", "without"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With what Python has in C, and where it has not."""
    if request.param == "without":
        monkeypatch.setitem(sys.modules, "_json", None)
    return str(request.param)


@pytest.mark.parametrize("value", _VALUES)
def test_value(way: str, value: Any) -> None:
    text = json.dumps(value, separators=(",", ":"))
    assert durable.to_json(value) == text
    assert durable.from_json("\n\t " + json.dumps(value, indent=1) + "\r\n") == value


def test_numbers_that_are_none(way: str) -> None:
    text = "[NaN,Infinity,-Infinity]"
    found = durable.from_json(text)
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]
    assert durable.to_json(found) == text


@pytest.mark.parametrize("text", _TEXTS)
def test_text_that_is_none(way: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\(char \d+\)") as raised:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as ours:
        durable.from_json(text)
    assert str(ours.value) == str(raised.value)


def test_value_that_is_none(way: str) -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        durable.to_json({"a": {1}})
    round_: list[Any] = []
    round_.append(round_)
    with pytest.raises(ValueError, match="Circular reference detected"):
        durable.to_json(round_)


def test_json_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "json":
            raise AssertionError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert durable.from_json(durable.to_json(_VALUES)) == _VALUES
