"""``python -m roles.weights.patch``, as an operator types it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from tests.roles.weights.patch.test_patch_needed import EXPORT

ROOT = Path(__file__).parents[4]


def _asked(folder: Path, stack: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "roles.weights.patch", str(folder), "--stack", stack]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_takes_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(EXPORT))
    ended = _asked(tmp_path, "vllm-0.26-cuda")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"vllm-0.26-cuda takes {tmp_path} as it is\n"


def test_unknown_stack(tmp_path: Path) -> None:
    ended = _asked(tmp_path, "vllm-9")
    assert ended.returncode == 2
    assert ended.stderr.startswith("vllm-9: no such stack, there are ")
    assert "vllm_0_26_cuda" in ended.stderr


def test_broken_folder(tmp_path: Path) -> None:
    ended = _asked(tmp_path, "vllm_0_26_cuda")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"refused: {tmp_path}/config.json cannot be read: No such file or directory\n"
    )


def test_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(EXPORT))
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    _asked(tmp_path, "vllm-0.26-cuda")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
