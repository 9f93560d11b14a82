"""Who may import whom: deploy → roles → spec and paths, inventories → spec and paths."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("deploy", "inventories", "roles")
FILES = sorted(
    str(path.relative_to(ROOT)) for layer in OURS for path in (ROOT / layer).rglob("*.py")
)
# Layers that may import only these of ours, and never pyinfra.
NARROW = {
    "roles/spec/": ("roles.spec",),
    "roles/paths.py": ("roles.spec", "roles.hostside"),
    "inventories/": ("inventories", "roles.spec", "roles.paths"),
}


def imports(source: str) -> Iterator[str]:
    """Dotted name of everything imported."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def allowed(file: str, name: str) -> bool:
    """Say whether ``file`` may import ``name``."""
    top, _, below = name.partition(".")
    if file.startswith("roles/hostside/"):
        return top in sys.stdlib_module_names or (ROOT / f"roles/hostside/{top}.py").is_file()
    for place, known in NARROW.items():
        if file.startswith(place):
            return name.startswith(tuple(f"{module}." for module in known)) or (
                top not in (*OURS, "pyinfra", "pyinfra_cli", "")
            )
    if top != "roles":
        return top not in (*OURS, "")
    role, _, inner = below.partition(".")
    if file.startswith(f"roles/{role}/"):
        return not (file.endswith("/facts.py") and inner.startswith("operations"))
    # Another role's package, or a public name of it: neither one of its modules nor below one.
    public = not inner.startswith("_") and "." not in inner
    return role in ("spec", "hostside") or (
        public and not (ROOT / f"roles/{role}/{inner}.py").is_file()
    )


@pytest.mark.parametrize("file", FILES)
def test_layers(file: str) -> None:
    source = (ROOT / file).read_text()
    assert [name for name in imports(source) if not allowed(file, name)] == []


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("roles/hostside/")])
def test_parses_on_hosts(file: str) -> None:
    """What runs on hosts is read by Python 3.8."""
    ast.parse((ROOT / file).read_text(), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("roles/weights/deploy.py", "from deploy import main"),
        ("roles/weights/deploy.py", "import inventories.prod"),
        ("roles/weights/deploy.py", "def late():\n    from inventories import prod"),
        ("roles/weights/deploy.py", "from roles.engine.operations import stack"),
        ("roles/weights/deploy.py", "from roles.engine import operations"),
        ("roles/weights/deploy.py", "import roles.engine.operations"),
        ("roles/weights/deploy.py", "from roles.engine import _private"),
        ("roles/weights/deploy.py", "from . import operations"),
        ("roles/weights/facts.py", "from roles.weights import operations"),
        ("roles/weights/facts.py", "from roles.weights.operations import files"),
        ("roles/spec/host.py", "from roles import paths"),
        ("roles/spec/host.py", "from pyinfra import host"),
        ("roles/spec/host.py", "from .base import Spec"),
        ("roles/paths.py", "from roles import engine"),
        ("roles/paths.py", "import pyinfra.api"),
        ("inventories/prod.py", "from pyinfra import host"),
        ("inventories/prod.py", "from roles import weights"),
        ("inventories/prod.py", "from roles.weights import manifest"),
        ("deploy/main.py", "from roles.engine.operations import stack"),
        ("deploy/main.py", "from inventories import prod"),
        ("roles/hostside/fetch.py", "import requests"),
        ("roles/hostside/fetch.py", "from roles import paths"),
    ],
)
def test_refuses(file: str, source: str) -> None:
    assert not all(allowed(file, name) for name in imports(source))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("roles/weights/deploy.py", "from roles import engine, paths\nfrom roles.engine import of"),
        ("roles/weights/deploy.py", "from roles.weights import operations"),
        ("roles/weights/deploy.py", "from pyinfra.api import deploy"),
        ("roles/paths.py", "from roles.spec import Stack\nfrom roles.hostside import places"),
        ("inventories/prod.py", "from pathlib import Path\nfrom inventories.weights import canary"),
        ("deploy/main.py", "from pyinfra import host\nfrom roles import release"),
        ("roles/hostside/fetch.py", "from __future__ import annotations\nimport json, fetch"),
    ],
)
def test_allows(file: str, source: str) -> None:
    assert all(allowed(file, name) for name in imports(source))
