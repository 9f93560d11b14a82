"""MindIE's stand-in comes as wheels too, and in the run package, and is the same server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.standins.ascend import build as ascend
from tests.standins.mindie import build, shipped
from tests.standins.mindie.served import Host
from tests.standins.openai import served as openai


@pytest.fixture(scope="module")
def questions(root: Path) -> Path:
    return root.parent / "questions.json"


def test_wheels(questions: Path, root: Path, tmp_path: Path) -> None:
    lock = build.wheels(tmp_path / "wheels", questions)
    names = [line.partition("=")[0] for line in lock.read_text().splitlines()]
    assert names == ["atb_llm", "mindie_llm", "mindie_motor", "torch", "torch_npu"]
    (tmp_path / "stack").mkdir()
    python = openai.install(tmp_path / "stack", lock)
    program = python.with_name("mindie_llm_server")
    home = next((python.parents[1] / "lib").glob("python3.*")) / "site-packages/mindie_llm"
    assert json.loads((home / "conf/config.json").read_text()) == shipped.document("3.0.0")

    host = Host(tmp_path / "host", root)
    above = root.parent
    changed: dict[str, Any] = {
        "PATH": f"{python.parent}:{os.defpath}",
        "LD_LIBRARY_PATH": f"{above / 'atb/lib'}:{above / 'cann/lib64'}",
        # Of all scripts, CANN's and ATB's alone were sourced.
        **dict.fromkeys(("PYTHONPATH", "MIES_INSTALL_PATH", "MINDIE_LLM_HOME_PATH")),
        "ATB_SPEED_HOME_PATH": None,
    }
    with host.start(program=program, **changed) as served:
        assert served.ready().said("What colour is the sky?") == "blue"
    # It does not take what it brings, but for an installation under the documented umask 027.
    said = host.refused(program=program, words=("--expert-parallel", "false"), **changed)
    assert "Check path: config.json failed, by: Check Other group permission failed: " in said
    said = host.refused(program=program, **(changed | {"PATH": os.defpath}))
    assert "ModuleNotFoundError: No module named 'atb_llm'\n" in said


def test_the_same_words_make_the_same_bytes(questions: Path, tmp_path: Path) -> None:
    first, second = (build.wheels(tmp_path / name, questions) for name in "ab")
    assert first.read_text() == second.read_text()


def test_the_run_package_has_it(questions: Path, tmp_path: Path) -> None:
    folder = build.service(tmp_path / "service", questions, "3.0.0")
    package = ascend.mindie(tmp_path, service=folder)
    out = tmp_path / "out"
    words = [str(package), f"--extract={out}", "--noexec"]
    subprocess.run(words, check=True, capture_output=True)
    assert os.access(out / "service/bin/mindieservice_daemon", os.X_OK)
    assert os.access(out / "service/bin/mindie_llm_backend_connector", os.X_OK)
    assert (out / "service/conf/config.json").read_text() == shipped.config("3.0.0")
    assert (out / "service/lib/libmindie_standin.zip").is_file()
