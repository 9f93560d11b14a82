"""A hostside script with all that it imports as one program, whatever imports what."""

import ast
import base64
import importlib
import importlib.util
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from roles import job, paths

SCRIPTS = sorted(path.stem for path in job.FOLDER.glob("*.py"))


def _modules(program: str) -> list[str]:
    """Return what the script itself finds there."""
    constants = [node.value for node in ast.walk(ast.parse(program)) if type(node) is ast.Constant]
    (packed,) = [text for text in constants if isinstance(text, str) and len(text) > 60]
    *modules, _ = ast.literal_eval(zlib.decompress(base64.b64decode(packed)).decode())
    return [name for name, _ in modules]


def _imports(name: str) -> set[str]:
    tree = ast.parse((job.FOLDER / f"{name}.py").read_text())
    found = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return found & set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_imported_comes_along(name: str) -> None:
    modules = _modules(job.program(name))
    assert len(modules) == len(set(modules))
    for module in (*modules, name):
        assert _imports(module) <= set(modules)


def _run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *carried: str, start: str = "", **scripts: str
) -> str:
    """
    Run the script ``main_…`` as a host is asked to.

    :param carried: modules to carry
    :param start: Python that the host runs before
    """
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(importlib.import_module("roles.job.program"), "FOLDER", folder)
    (main,) = [name for name in scripts if name.startswith("main_")]
    ended = subprocess.run(
        [sys.executable, "-", "a b"],
        input=start + job.program(main, carried),
        cwd="/",
        env={"PATH": os.defpath},
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


def test_sibling_that_nobody_imports_is_not_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = "print('done')\n\n\ndef late() -> None:\n    import odd\n"
    said = _run(tmp_path, monkeypatch, odd="no Python at all", main_eleven=main)
    assert said == "done\n"


def test_a_fault_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = _run(tmp_path, monkeypatch, broken="\n1 / 0\n", main_two="import broken\n")
    assert 'File "broken.py", line 2' in said
    assert said.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_nothing_of_a_host_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of another package is the host's own, and stays out."""
    program = _run(tmp_path, monkeypatch, main_three="import json\nprint(json.dumps(1))\n")
    assert program == "1\n"
    assert _modules(job.program("main_three")) == []


@pytest.fixture
def borrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module ``borrowed`` that is installed on the control machine alone."""
    module = tmp_path / "here" / "borrowed.py"
    module.parent.mkdir()
    module.write_text("print('loaded')\nVALUE = 'ours \\\\ é'\n")
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "carried.py").write_bytes((job.FOLDER / "carried.py").read_bytes())
    monkeypatch.syspath_prepend(str(module.parent))
    monkeypatch.setattr(paths, "HOSTSIDE", str(tmp_path / "host"))
    (tmp_path / "host").mkdir()
    job.program.cache_clear()
    return module


_BORROWS = (
    "import importlib\nborrowed = importlib.import_module('borrowed')\nprint(borrowed.VALUE)\n"
)


def test_carried_module_is_there_to_import(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", main_four=_BORROWS)
    assert said.splitlines() == ["loaded", "ours \\ é"]
    said = _run(tmp_path / "scripts", monkeypatch, main_four=_BORROWS)
    assert said.splitlines()[-1] == "ModuleNotFoundError: No module named 'borrowed'"


def test_carried_module_that_nobody_imports_is_not_loaded(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even compiled: it may be what this Python cannot read."""
    borrowed.write_text("no Python at all")
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", main_five="print('done')\n")
    assert said == "done\n"


def test_carried_module_comes_before_the_hosts_own(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "borrowed.py").write_text("VALUE = 'another'\n")
    start = f"import sys; sys.path.insert(0, {str(other)!r})\n"
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", start=start, main_six=_BORROWS)
    assert said.splitlines() == ["loaded", "ours \\ é"]


def test_prepared_host_has_it_compiled(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file is used from its folder, where what was compiled of it stays."""
    there = tmp_path / "host/borrowed.py"
    there.write_bytes(borrowed.read_bytes())
    main = _BORROWS + "print(borrowed.__file__)\n"
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", main_seven=main)
    assert said.splitlines() == ["loaded", "ours \\ é", str(there)]
    assert [path.suffix for path in (tmp_path / "host/__pycache__").iterdir()] == [".pyc"]


def test_another_version_on_a_prepared_host_is_not_used(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host/borrowed.py").write_text("VALUE = 'another'\n")
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", main_eight=_BORROWS)
    assert said.splitlines() == ["loaded", "ours \\ é"]


def test_a_fault_in_a_carried_module_names_it(
    borrowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrowed.write_text("\n\n1 / 0\n")
    said = _run(tmp_path / "scripts", monkeypatch, "borrowed", main_nine=_BORROWS)
    assert 'File "borrowed.py", line 3' in said


def test_module_that_is_not_installed_cannot_be_carried() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^not_there: not installed here, run uv sync$"):
        job.program("probe", ("not_there",))


def test_binding_costs_few_bytes() -> None:
    """Measured: 51 kB of 332 kB, on top of some 14 kB of ours."""
    whole = len(job.program("probe", ("pynvml",)))
    assert whole - len(job.program("probe")) < 56_000


def test_binding_is_imported_with_nothing_of_ours_on_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carried.py").write_bytes((job.FOLDER / "carried.py").read_bytes())
    main = "import importlib\nprint(importlib.import_module('pynvml').NVML_ERROR_GPU_IS_LOST)\n"
    bare = "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
    assert _run(tmp_path, monkeypatch, "pynvml", start=bare, main_ten=main) == "15\n"


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a host that was prepared with the scripts of here."""
    ours, host = tmp_path / "ours", tmp_path / "host"
    scripts = {"first": "SAID = 'first'\n", "main_it": _CALLED, "beside": "1 / 0\n"}
    for folder in (ours, host):
        folder.mkdir()
        for name, text in scripts.items():
            (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(importlib.import_module("roles.job.program"), "FOLDER", ours)
    monkeypatch.setattr(paths, "HOSTSIDE", str(host))
    job.there.cache_clear()
    return host


_CALLED = "import sys\nimport first\n\n\ndef main():\n    print(first.SAID, sys.argv[1])\n"


def _there(*carried: str) -> str:
    """Return what a host says that is asked for its own scripts."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-", "a b"],
        input=job.there("main_it", carried),
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_the_same_scripts_there_are_run_there(prepared: Path) -> None:
    assert _there() == "first a b\n"
    assert list(prepared.glob("__pycache__/main_it.*.pyc"))


@pytest.mark.parametrize("name", ["first", "main_it"])
@pytest.mark.parametrize("text", ["SAID = 'other'\n", None], ids=["other", "gone"])
def test_other_scripts_there_are_not(prepared: Path, name: str, text: str | None) -> None:
    if text is None:
        (prepared / f"{name}.py").unlink()
    else:
        (prepared / f"{name}.py").write_text(text)
    assert _there() == f"{job.ELSEWHERE}\n"


def test_scripts_that_are_not_asked_for_may_be_others(prepared: Path) -> None:
    (prepared / "beside.py").write_text("0 / 0\n")
    assert _there() == "first a b\n"


def test_nothing_there(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOSTSIDE", f"{prepared}/not there")
    job.there.cache_clear()
    assert _there() == f"{job.ELSEWHERE}\n"


def test_what_is_carried_has_to_be_the_same_too(prepared: Path) -> None:
    binding = prepared / "pynvml.py"
    binding.write_bytes(
        importlib.import_module("roles.job.program").files(("pynvml",))[binding.name]
    )
    assert _there("pynvml") == "first a b\n"
    binding.write_text("")
    assert _there("pynvml") == f"{job.ELSEWHERE}\n"


def test_files_of_a_prepared_host() -> None:
    files = importlib.import_module("roles.job.program").files
    plain, with_binding = files(), files(("pynvml",))
    assert sorted(plain) == [f"{name}.py" for name in SCRIPTS]
    assert plain["probe.py"] == (job.FOLDER / "probe.py").read_bytes()
    spec = importlib.util.find_spec("pynvml")
    assert spec is not None
    assert spec.origin is not None
    assert with_binding == plain | {"pynvml.py": Path(spec.origin).read_bytes()}
