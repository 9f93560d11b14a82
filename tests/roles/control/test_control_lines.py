"""Deploys are found by what pyinfra asks of every operation."""

import inspect
import sys

from roles import control
from roles.control import lines


def test_deploys_are_found() -> None:
    control.know_deploys()
    file = str(lines.DEPLOYS / "main.py")
    code = compile("from inspect import currentframe\nframe = currentframe()", file, "exec")
    found: dict[str, object] = {}
    exec(code, found)  # noqa: S102  # as pyinfra does
    assert inspect.getmodule(found["frame"], file) is sys.modules["deploy.main"]
