"""A process that is gone at any of the moments at which it changes the disk."""

import os
from typing import Any

import pytest


class Killed(BaseException):
    """The process is gone."""


def kill_at(patched: pytest.MonkeyPatch, moment: int) -> None:
    """Have it gone instead of the change of that number."""
    count = 0
    for name in ("symlink", "replace", "rename", "fsync", "mkdir"):
        real = getattr(os, name)

        def counted(*words: Any, real: Any = real, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == moment:
                raise Killed
            return real(*words, **named)

        patched.setattr(os, name, counted)
