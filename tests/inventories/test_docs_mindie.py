"""What docs/engines/mindie.md and a comment of prod.py show loads, and passes preflight."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from roles import spec

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/engines/mindie.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(EXAMPLE,) = [block for block in BLOCKS if "inventory(" in block]
PROD = (ROOT / "inventories/prod.py").read_text()
IMPORTED = """
from inventories.stacks import mindie_3_0_a2
from inventories.weights import qwen3_vl_8b
from roles.spec import HostFolder, MindieOptions
"""
HDK = ("Ascend-hdk-310p-npu-driver_25.5.1_linux-aarch64.run",
       "Ascend-hdk-310p-npu-firmware_7.8.0.5.216.run")  # fmt: skip
WEIGHTS = """
from tests.roles.preflight import plans
from tests.roles.weights.test_weights_made import quantised
WEIGHTS = {weights}
"""
TOLD = """
import json, sys
from docs_example import _a2, _duo
from prod import _ascend
from roles.preflight import against
from tests.roles.preflight import plans

hosts = ((_a2, plans.a2(8)), (_duo, plans.duos(1)), (_ascend, plans.a2(8)))
for spec, found in hosts:
    found["system"] |= {"os": {"id": "ubuntu", "version": "22.04"}, "glibc": "2.35"}
    found["system"]["pythons"] = ["python3.11"]
print(json.dumps([[str(one) for one in against(*host) if one.refuses] for host in hosts]))
"""


def _laid_out(folder: Path, *, listed: bool) -> None:
    """Lay out the example with the weights that it names, and an operator's lists of hashes."""
    (folder / "docs_example.py").write_text(EXAMPLE)
    (folder / "prod.py").write_text(IMPORTED + _uncommented(PROD))
    inventories = folder / "inventories"
    for kind in ("stacks", "weights"):
        (inventories / kind).mkdir(parents=True)
    for name, weights in (
        ("qwen3_vl_8b", 'plans.weights("8b")'),
        ("qwen3_vl_8b_w8a8s", "quantised()"),
    ):
        (inventories / f"weights/{name}.py").write_text(WEIGHTS.format(weights=weights))
    for name in ("mindie_3_0_a2", "mindie_3_0_duo"):
        text = (ROOT / f"inventories/stacks/{name}.py").read_text()
        (inventories / f"stacks/{name}.py").write_text(text)
        lock = (ROOT / f"inventories/stacks/{name}.txt").read_text()
        (inventories / f"stacks/{name}.txt").write_text(lock)
        if listed:
            _list(inventories / f"stacks/{name}.sha256", re.findall(r'"(Ascend-[^"]+)"', text))
    if listed:
        _list(folder / "hdk_25_5.sha256", HDK)


def _uncommented(text: str) -> str:
    """Have the host with Ascend as its comment has it, in the place of the one that is there."""
    commented = re.findall(r"^#   (_ascend = .*\n(?:#   .*\n)+)", text, re.MULTILINE)[0]
    there = "_ascend = HostSpec(accelerator=Accelerator.ASCEND, packages=_MIRROR)\n"
    assert text.count(there) == 1
    return text.replace(there, commented.replace("\n#   ", "\n"))


def _list(file: Path, names: "list[str] | tuple[str, ...]") -> None:
    """Write what sha256sum would."""
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    rows = [f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True)]
    file.write_text("".join(rows))


def _run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_examples_load_and_pass_preflight(tmp_path: Path) -> None:
    _laid_out(tmp_path, listed=True)
    done = _run(tmp_path, TOLD)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], [], []]


def test_example_without_lists_of_hashes(tmp_path: Path) -> None:
    """Each file is named, with the list that lacks it, and nothing else is wrong."""
    _laid_out(tmp_path, listed=False)
    done = _run(tmp_path, "import docs_example")
    assert done.returncode == 1
    first, *lines = done.stderr.splitlines()
    assert first == "12 faults in the inventory"
    files = [*re.findall(r"Ascend-\S+\.(?:run|tar\.gz)", "\n".join(lines))]
    assert len(lines) == len(files) == 12
    assert {*HDK} < {*files}
    for line, file in zip(lines, files, strict=True):
        wrong = rf"/sha256: of {re.escape(file)} is not in {tmp_path}/\S+\.sha256, "
        assert re.search(wrong + "add what sha256sum prints for a copy that you trust$", line)


def test_stack_of_wheels_lacks_what_the_operator_has() -> None:
    """The lock is made of wheels that are on no index, the list of files that are Huawei's."""
    (template,) = [block for block in BLOCKS if "mindie_llm_server" in block]
    names = {"__file__": "/srv/stacks/mindie_3_0_wheels.py", "Path": Path}
    exec(template, names | vars(spec), names)  # noqa: S102
    stack = names["STACK"]
    assert isinstance(stack, spec.Stack)
    assert isinstance(stack.lock, spec.Lock)
    assert [fault.path for fault in stack.faults()] == [
        "lock/file", "installers/0/sha256", "installers/1/sha256", "installers/2/sha256",
    ]  # fmt: skip
    assert stack.name.replace("-", "_").replace(".", "_") == stack.lock.file.stem
