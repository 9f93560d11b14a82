"""
The command line of ``lmdeploy serve api_server``, from the parser of a wheel, as JSON.

    pip download --no-deps lmdeploy==0.18.0
    python -m tests.standins.lmdeploy.table lmdeploy-0.18.0-*.whl \
        > tests/standins/lmdeploy/package/lmdeploy/standin/options_0_18_0.json

Only the modules that make the parser are read from the wheel; whatever else they import is a
stand-in that knows nothing, as it shows in help texts alone.
"""

import argparse
import importlib.abc
import importlib.machinery
import json
import sys
import types
from typing import Any
from unittest.mock import MagicMock

_READ = {"lmdeploy.cli", "lmdeploy.cli.cli", "lmdeploy.cli.utils", "lmdeploy.cli.serve"}
_READ |= {"lmdeploy", "lmdeploy.version"}
# The package itself imports the engine; its parts are read without it.
_EMPTY = {"lmdeploy", "lmdeploy.cli"}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Knows nothing of any module of LMDeploy's but those that make the parser."""

    def __init__(self, wheel: str) -> None:
        self.wheel = wheel

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in ("lmdeploy", "torch", "transformers"):
            return None
        if fullname in _READ - _EMPTY:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name) if spec.name in _EMPTY else _Unknown(spec.name)
        module.__path__ = [f"{self.wheel}/{spec.name.replace('.', '/')}"]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


class _Unknown(types.ModuleType):
    """A module of which every name is there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock(name=f"{self.__name__}.{name}")


def options(wheel: str) -> list[dict[str, Any]]:
    """Return each option of the parser, in its order."""
    sys.meta_path.insert(0, _Finder(wheel))
    serve = importlib.import_module("lmdeploy.cli.serve")
    serve.SubCliServe.add_parser_api_server()
    parser = serve.SubCliServe.subparsers.choices["api_server"]
    actions = [action for action in parser._actions if action.dest != "help"]
    return [_told(action) for action in actions]


def _told(action: argparse.Action) -> dict[str, Any]:
    kind = getattr(action.type, "__name__", None)
    choices = action.choices
    return {
        "names": action.option_strings or [action.dest],
        "switch": action.nargs == 0,
        "nargs": action.nargs if isinstance(action.nargs, str) else None,
        "type": {"loads": "json"}.get(kind or "", kind),
        "choices": None if choices is None else [*choices],
        "default": action.default,
    }


if __name__ == "__main__":
    rows = [json.dumps(option) for option in options(sys.argv[1])]
    print("[\n " + ",\n ".join(rows) + "\n]")
