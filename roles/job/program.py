"""One of our hostside scripts as a single program, for hosts that have none of them yet."""

import ast
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "hostside"

_LOADER = """\
import sys, types
for name, source in {modules!r}.items():
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name + ".py", "exec"), module.__dict__)
exec(compile({main!r}, {name!r}, "exec"), {{"__name__": "__main__"}})
"""


@cache
def program(name: str) -> str:
    """Return the script ``name`` with every sibling that it imports, to be fed to ``python3 -``."""
    modules = {sibling: _source(sibling) for sibling in _siblings(name)}
    return _LOADER.format(modules=modules, main=_source(name), name=f"{name}.py")


def _siblings(name: str) -> list[str]:
    """Return what a script imports from its folder, what is imported first, first."""
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(name))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for imported in names:
            if (FOLDER / f"{imported}.py").is_file():
                found += [*_siblings(imported), imported]
    return list(dict.fromkeys(found))


def _source(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text()
