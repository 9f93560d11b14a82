"""
Packages that are not there: whatever is imported of them is there, and means nothing.

An engine's command line is made from its own classes and types; torch, transformers and all else
that it imports on the way only have to be importable, subclassable and comparable.
"""

import importlib.abc
import importlib.machinery
import importlib.metadata
import re
import sys
import types
from typing import Any, Union

# The real ones; see ``__main__.py``.
_REAL = {
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
    *("msgspec", "yaml", "_yaml"),
}
# What has to be missing: the engine would take the machine for one with such an accelerator.
_MISSING = {"amdsmi", "flashinfer", "habana_frameworks", "libtpu", "torch_npu", "torch_xla"}
_MISSING |= {"tpu_info", "tpu_inference", "intel_extension_for_pytorch", "IPython", "java", "org"}
# Modules of the engine itself that compute with what is made up, and say nothing of options.
_NOT_ASKED = ("vllm.ir",)


class _Nothing(type):
    """A class of nothing: its attributes, calls, items and sums are nothing too."""

    def __new__(mcs, name: str, bases: Any, fields: Any, **_: Any) -> Any:
        return super().__new__(mcs, name, bases, fields)

    def __init__(cls, name: str, bases: Any, fields: Any, **_: Any) -> None:
        super().__init__(name, bases, fields)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(cls, name, _nothing(name))
        return getattr(cls, name)

    def __call__(cls, *given: Any, **named: Any) -> Any:
        if cls.__bases__ != (object,):
            return super().__call__(*given, **named)
        # As a decorator it leaves what it decorates as it is.
        plain = len(given) == 1 and callable(given[0]) and not isinstance(given[0], _Nothing)
        return given[0] if plain and not named else cls

    def __or__(cls, other: Any) -> Any:
        return Union[cls, other]  # noqa: UP007  # | is what is defined here

    __ror__ = __or__

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __iter__(cls) -> Any:
        return iter(())

    def __bool__(cls) -> bool:
        return False

    def __lt__(cls, _: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __contains__ = __lt__

    def __add__(cls, _: Any) -> Any:
        return cls

    __radd__ = __sub__ = __mul__ = __truediv__ = __and__ = __add__


def _nothing(name: str, module: str = __name__) -> Any:
    schema = classmethod(lambda *_: {"type": "any"})
    return _Nothing(name, (), {"__get_pydantic_core_schema__": schema, "__module__": module})


class _Module(types.ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__version__, self.__path__ = "99.0.0", []
        if name == "torch":
            # A bound of a number has to be one.
            bounds = types.SimpleNamespace(min=-(2**63), max=2**63 - 1)
            self.iinfo = lambda _: bounds

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, _nothing(name, self.__name__))
        return getattr(self, name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, real: set[str]) -> None:
        self._real = real

    def find_spec(self, name: str, *_: Any) -> Any:
        top = name.partition(".")[0]
        asked = not any(name == one or name.startswith(f"{one}.") for one in _NOT_ASKED)
        if top.startswith("_") or (asked and top in self._real):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> Any:
        if spec.name == "regex":
            return re
        return _Module(spec.name)

    def exec_module(self, module: Any) -> None:
        """Nothing is left to be done."""


class _Distribution:
    # vLLM takes a version with cpu in it for its build for CPUs, which needs no accelerator.
    version = "99.0.0+cpu"


def make_up(*, all_but: str) -> None:
    """Have every package there but the engine, the standard library and a few real ones."""
    real = {all_but, *_REAL, *_MISSING, *sys.stdlib_module_names}
    sys.meta_path.insert(0, _Finder(real))
    found = importlib.metadata.distribution

    def distribution(name: str) -> Any:
        try:
            return found(name)
        except importlib.metadata.PackageNotFoundError:
            return _Distribution()

    importlib.metadata.distribution = distribution  # type: ignore[assignment]
