"""What an instance of vllm-ascend runs: compared whole, and really run by its start script."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roles import engine, paths
from roles.release import Release
from roles.spec import Accelerator, Engine, HostFolder, Installer, Instance, Stack
from tests.roles.spec.nouns import HASH, Nouns

HERE = Path(__file__).parent


def _stack(nouns: Nouns, *, chip: str = "910b") -> Stack:
    names = (
        "Ascend-cann-toolkit_8.5.0_linux-aarch64.run",
        f"Ascend-cann-{chip}-ops_8.5.0_linux-aarch64.run",
        "Ascend-cann-nnal_8.5.0_linux-aarch64.run",
    )
    return nouns.stack(
        name="vllm-ascend-0.13",
        engine=Engine.VLLM_ASCEND,
        accelerator=Accelerator.ASCEND,
        version="0.13.0",
        python="3.11",
        command=("-m", "vllm.entrypoints.cli.main", "serve"),
        driver=None,
        installers=tuple(Installer(file=name, sha256=HASH) for name in names),
    )


def _instance(nouns: Nouns, *, chip: str = "910b", **fields: Any) -> Instance:
    right: dict[str, Any] = {"tensor_parallel_size": 2, "images": 1, "dtype": "float16"}
    options = nouns.options(engine=Engine.VLLM_ASCEND, **right | fields)
    stack = _stack(nouns, chip=chip)
    return nouns.instance(stack=stack, options=options, devices=(2, 3), model="assistant")


@pytest.mark.parametrize("name", ["start", "environment"])
def test_on_an_a2(nouns: Nouns, name: str) -> None:
    found = engine.rendered(_instance(nouns))
    assert sorted(found) == ["environment", "start"]
    assert found[name].text == (HERE / f"vllm-ascend.{name}").read_text()


def test_unit(nouns: Nouns) -> None:
    found = engine.unit_file(_stack(nouns), python="/usr/bin/python3.11")
    assert found == (HERE / "metalserve-vllm-ascend@.service").read_text()


def test_aiv_is_for_an_a2_alone(nouns: Nouns) -> None:
    a2, duo = (
        engine.rendered(_instance(nouns, chip=chip))["environment"].text
        for chip in ("910b", "310p")
    )
    assert "HCCL_OP_EXPANSION_MODE=AIV\n" in a2
    assert "HCCL_OP_EXPANSION_MODE" not in duo
    assert duo == a2.replace("HCCL_OP_EXPANSION_MODE=AIV\n", "")


def test_given_variables_win(nouns: Nouns) -> None:
    """As for what saved weights are compressed with."""
    name, value = "PYTORCH_NPU_ALLOC_CONF", "max_split_size_mb:256"
    found = engine.rendered(_instance(nouns, environment={name: value}))["environment"].text
    assert f"{name}={value}\n" in found
    assert "expandable_segments" not in found


def test_release_leads_to_what_was_captured(nouns: Nouns) -> None:
    instance = _instance(nouns)
    spec = nouns.host(
        instance, accelerator=Accelerator.ASCEND, installers=HostFolder(path="/mnt/vendor")
    )
    assert spec.faults() == []
    links = Release(spec=spec, instance=instance).links
    assert links["ascend"] == paths.environment(instance.stack)
    assert "ascend" not in Release(spec=nouns.chat(), instance=nouns.instance()).links


def _started(
    nouns: Nouns, tmp_path: Path, *, torch: str = "3.11", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Start a release as its unit does, with a ``python`` that tells its words and variables."""
    release = tmp_path / "releases/one two"
    packages = release / f"stack/venv/lib/python{torch}/site-packages"
    (packages / "torch/lib").mkdir(parents=True)
    program = release / "stack/venv/bin/python"
    program.parent.mkdir()
    tells = "print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"
    program.write_text(f"#!{sys.executable} -SE\nimport json, os, sys\n{tells}\n")
    program.chmod(0o755)
    start = release / "start"
    start.write_text(engine.rendered(_instance(nouns))["start"].text)
    start.chmod(0o755)
    (tmp_path / "api-key").write_text("sesame")
    known = {
        "PATH": os.environ["PATH"],
        "CACHE_DIRECTORY": f"{tmp_path}/my cache",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    return subprocess.run(
        ["./start"], cwd=release, env=known | environment, capture_output=True, text=True
    )


def test_what_is_run(nouns: Nouns, tmp_path: Path) -> None:
    """Chips of its own, the stack's libraries before CANN's, a folder that may be written."""
    captured = {"LD_LIBRARY_PATH": "/usr/local/Ascend/cann-8.5.0/lib64", "RANK_TABLE_FILE": "/x"}
    ended = _started(nouns, tmp_path, ASCEND_RT_VISIBLE_DEVICES="0", **captured)
    assert ended.stderr == ""
    words, variables, folder = json.loads(ended.stdout)
    release, cache = f"{tmp_path}/releases/one two", f"{tmp_path}/my cache/one two"
    assert words[:4] == ["-m", "vllm.entrypoints.cli.main", "serve", f"{release}/weights"]
    assert words[words.index("--dtype") + 1] == "float16"
    assert "--gpu-memory-utilization" in words
    assert folder == f"{cache}/work"
    assert variables["ASCEND_RT_VISIBLE_DEVICES"] == "2,3"
    assert "CUDA_VISIBLE_DEVICES" not in variables
    assert "RANK_TABLE_FILE" not in variables
    assert variables["VLLM_API_KEY"] == "sesame"
    packages = f"{release}/stack/venv/lib/python3.11/site-packages"
    driver = "/usr/local/Ascend/driver/lib64"
    assert variables["LD_LIBRARY_PATH"].split(":") == [
        f"{packages}/torch/lib",
        f"{packages}/torch.libs",
        f"{packages}/torch_npu/lib",
        "/usr/local/Ascend/cann-8.5.0/lib64",
        driver,
        f"{driver}/common",
        f"{driver}/driver",
    ]
    assert variables["PATH"].split(":")[0] == f"{release}/stack/venv/bin"


def test_stack_without_torch(nouns: Nouns, tmp_path: Path) -> None:
    ended = _started(nouns, tmp_path, torch="3.10")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"{tmp_path}/releases/one two/stack/venv/lib/python3.11/site-packages has no torch/lib: "
        "the stack's lock is without torch, or for another Python\n"
    )
