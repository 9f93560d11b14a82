"""
Measures by name what ``bin/bench`` is told to: ``bench/NAME.py``, or ``bench/NAME/__main__.py``.

A module that has no ``main`` is something that the others share.
"""

import ast
import runpy
import sys
from pathlib import Path

from roles.lab import LabError

_HERE = Path(__file__).parent


def benches() -> dict[str, str]:
    """Return what can be measured, by name: the first words of each."""
    modules = {path.stem: path for path in _HERE.glob("*.py") if path.stem != "__main__"}
    modules |= {path.parent.name: path for path in _HERE.glob("*/__main__.py")}
    found = {name: ast.parse(path.read_text()) for name, path in sorted(modules.items())}
    return {name: _about(tree) for name, tree in found.items() if _measures(tree)}


def _measures(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


def _about(tree: ast.Module) -> str:
    """Return the first sentence of a module."""
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())


def main(words: list[str]) -> int:
    """Run one of them with the words after its name."""
    known = benches()
    if not words:
        print("usage: bin/bench NAME [words]", *_listed(known), sep="\n", file=sys.stderr)
        return 2
    name, *rest = words
    if name not in known:
        print(f"bin/bench: {name}: no such bench, there are {', '.join(known)}", file=sys.stderr)
        return 2
    sys.argv = [f"bin/bench {name}", *rest]
    try:
        runpy.run_module(f"bench.{name}", run_name="__main__")
    except LabError as error:
        print(f"bin/bench {name}: {error}", file=sys.stderr)
        return 1
    return 0


def _listed(known: dict[str, str]) -> list[str]:
    return [f"  {name:8} {about}" for name, about in known.items()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
