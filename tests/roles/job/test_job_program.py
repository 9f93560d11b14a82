"""A hostside script with all that it imports as one program, whatever imports what."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from roles import job

SCRIPTS = sorted(path.stem for path in job.FOLDER.glob("*.py"))


def _modules(program: str) -> list[str]:
    """Return what is loaded before the script itself, in order."""
    loop = next(node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.For))
    (holder,) = [node for node in ast.walk(loop.iter) if isinstance(node, ast.Dict)]
    return list(ast.literal_eval(holder))


def _imports(name: str) -> set[str]:
    tree = ast.parse((job.FOLDER / f"{name}.py").read_text())
    found = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return found & set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_imported_comes_first(name: str) -> None:
    modules = _modules(job.program(name))
    assert len(modules) == len(set(modules))
    for place, module in enumerate([*modules, name]):
        assert _imports(module) <= set(modules[:place])


def _run(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> str:
    """Run the script ``main_…`` as a host is asked to."""
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(importlib.import_module("roles.job.program"), "FOLDER", folder)
    (main,) = [name for name in scripts if name.startswith("main_")]
    ended = subprocess.run(
        [sys.executable, "-", "a b"],
        input=job.program(main),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout


def test_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sibling once, before what needs it; odd text arrives; ``__main__`` is the script."""
    assert _run(
        tmp_path,
        monkeypatch,
        first="print('first')\nODD = '''{x} \\\\ \"' %s'''\n",
        second="from __future__ import annotations\nfrom first import ODD\nprint('second')\n",
        main_one="import sys\nimport second, first\n\n\ndef late() -> None:\n    import third\n\n\n"
        "if __name__ == '__main__':\n    late()\n    print(sys.argv[1], first.ODD)\n",
        third="import second\nprint('third')\n",
    ).splitlines() == ["first", "second", "third", "a b {x} \\ \"' %s"]


def test_a_fault_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = _run(tmp_path, monkeypatch, broken="\n1 / 0\n", main_two="import broken\n")
    assert 'File "broken.py", line 2' in said
    assert said.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_nothing_of_a_host_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of another package is the host's own, and stays out."""
    program = _run(tmp_path, monkeypatch, main_three="import json\nprint(json.dumps(1))\n")
    assert program == "1\n"
    assert _modules(job.program("main_three")) == []
