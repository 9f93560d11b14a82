"""
What AISBench imports and, measuring a server, never uses: it lies beside a run as
``sitecustomize.py``, so that every process of the tool reads it first.

Its command imports a hundred data sets, engines that run models in the same process, and torch to
count accelerators. All of that would be several GB for a client that sends requests. A library
that was left out of the lock is answered by an empty module here: a name in capitals is a class, so
that it can be inherited from and compared with, any other a value that is nothing and none. The
same is done by Sphinx to read a program's documentation without its dependencies
(``autodoc_mock_imports``).
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any

_LEFT_OUT = ("torch", "jieba", "func_timeout", "timeout_decorator")
_DATASETS = "ais_bench.benchmark.datasets."
_USED = ("base", "custom", "mm_custom", "textvqa", "utils")


class Nothing:
    """Whatever is asked of a library that is not there: no, none, zero."""

    def __getattr__(self, name: str) -> Any:
        return _of(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __bool__(self) -> bool:
        return False

    def __index__(self) -> int:
        return 0


class Module(types.ModuleType):
    """A module that was left out."""

    __version__ = "0"

    def __getattr__(self, name: str) -> Any:
        return _of(name)


class LeftOut(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what was left out, before anybody looks on the disk for it."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Return where a module comes from, ``None`` when it is not one of ours."""
        unused = fullname.startswith(_DATASETS) and fullname.split(".")[3] not in _USED
        if unused or fullname.split(".")[0] in _LEFT_OUT:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> Any:
        """Return the empty module."""
        return Module(spec.name)

    def exec_module(self, module: Any) -> None:
        """Leave it empty."""


def _of(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {}) if name[0].isupper() else Nothing()


# In a run's folder alone it has that name, and is more than a module like any other.
if __name__ == "sitecustomize":
    sys.meta_path.insert(0, LeftOut())
