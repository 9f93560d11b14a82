"""LMDeploy: what an instance runs, in a venv and in a container; the real parsers take it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from roles import engine
from roles.spec import Accelerator, Engine, Image, Instance, LmdeployOptions
from tests.roles.spec.nouns import Nouns
from tests.standins.lmdeploy.build import VERSIONS
from tests.standins.lmdeploy.package.lmdeploy.standin import arguments

HERE = Path(__file__).parent
KEY = "-sesame-sesame-sesame"
PULLED = Image(reference=f"openmmlab/lmdeploy@sha256:{'0' * 64}")


def _instance(nouns: Nouns, *, version: str = "0.18.0", **fields: Any) -> Instance:
    stack = nouns.stack(
        name=f"lmdeploy-{version}",
        engine=Engine.LMDEPLOY,
        version=version,
        command=("-m", "lmdeploy", "serve", "api_server"),
        **{key: fields.pop(key) for key in ("lock", "accelerator", "driver") if key in fields},
    )
    options = fields.pop("options", {"tp": 2, "eager_mode": True, "extra": ("--log-level", "INFO")})
    made = LmdeployOptions(session_len=8192, **options)
    right = {"stack": stack, "options": made, "devices": (0, 3), "model": "assistant"}
    return nouns.instance(**right | fields)


def _words(files: dict[str, engine.File]) -> list[str]:
    """What the launcher is given, in a venv and in a container."""
    if "start" in files:
        return shlex.split(files["start"].text.partition("exec ")[2].replace("\\\n", " "))[2:]
    server: dict[str, Any] = yaml.safe_load(files["compose.yaml"].text)["services"]["server"]
    return [str(word).replace("$$", "$") for word in server["command"]][1:]


@pytest.mark.parametrize("name", ["start", "environment"])
def test_in_a_venv(nouns: Nouns, name: str) -> None:
    found = engine.rendered(_instance(nouns))
    assert {name: file.mode for name, file in found.items()} == {
        "environment": "0644", "launch.py": "0644", "start": "0755",
    }  # fmt: skip
    assert found[name].text == (HERE / f"lmdeploy.{name}").read_text()


def test_in_a_container(nouns: Nouns) -> None:
    options = {"tp": 2, "environment": {"NCCL_DEBUG": "it's $5"}}
    found = engine.rendered(_instance(nouns, lock=PULLED, options=options))
    assert {name: file.mode for name, file in found.items()} == {
        "compose.yaml": "0644", "environment": "0644", "launch.py": "0644",
    }  # fmt: skip
    # The name of its image is a digest that every change of the stack changes.
    (image,) = [line for line in found["compose.yaml"].text.splitlines() if "image:" in line]
    text = found["compose.yaml"].text.replace(image.partition(": ")[2], "IMAGE")
    assert text == (HERE / "lmdeploy.compose.yaml").read_text()
    assert found["environment"].text == "COMPOSE_PROJECT_NAME=metalserve-chat\n"


@pytest.mark.parametrize("kind", ["lmdeploy", "lmdeploy-compose"])
def test_unit(nouns: Nouns, kind: str) -> None:
    lock: dict[str, Any] = {"lock": PULLED} if kind == "lmdeploy-compose" else {}
    stack = _instance(nouns, **lock).stack
    found = engine.unit_file(stack, python="/usr/bin/python3.12")
    assert found == (HERE / f"metalserve-{kind}@.service").read_text()


@pytest.mark.parametrize("lock", [None, PULLED])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tp": 4, "quant_policy": 8, "model_format": "awq", "dtype": "float16"},
        {"backend": "turbomind", "eager_mode": True, "cache_max_entry_count": 0.5},
    ],
)
def test_parser_of_the_pin_takes_it(
    nouns: Nouns, version: str, options: dict[str, Any], lock: Image | None
) -> None:
    fields: dict[str, Any] = {"lock": lock} if lock else {}
    instance = _instance(nouns, version=version, options=options, **fields)
    _, _, *words = _words(engine.rendered(instance))
    taken = arguments.parse([*words, f"--api-keys={KEY}"], version)
    assert taken.model_path == ("/weights" if lock else "$release/weights")
    assert (taken.api_keys, taken.model_name) == ([KEY], "assistant")
    assert (taken.tp, taken.session_len) == (options.get("tp", 1), 8192)
    executor = None if "backend" in options else "ray" if "tp" in options else "uni"
    assert taken.distributed_executor_backend == executor


def test_version_without_the_flags(nouns: Nouns) -> None:
    """Before 0.11 a variable says the executor, and requests are counted when asked to."""
    found = engine.rendered(_instance(nouns, version="0.10.2"))
    words = _words(found)
    assert "--distributed-executor-backend" not in words
    assert "--enable-metrics" in words
    assert "LMDEPLOY_EXECUTOR_BACKEND=ray\n" in found["environment"].text


def test_container_without_gpus_and_with_packages_on_top(nouns: Nouns) -> None:
    image = PULLED.model_copy(update={"lock": nouns.lock()})
    cpu: dict[str, Any] = {
        "accelerator": Accelerator.CPU,
        "driver": None,
        "devices": (),
        "address": "::1",
    }
    options = {"extra": ("--chat-template", "$HOME and ${OTHER}")}
    found = engine.rendered(_instance(nouns, lock=image, options=options, **cpu))
    server = yaml.safe_load(found["compose.yaml"].text)["services"]["server"]
    assert "deploy" not in server
    assert server["entrypoint"] == ["/opt/metalserve/packages/bin/python"]
    assert server["ports"] == ["[::1]:8000:8000"]
    assert "$$HOME and $${OTHER}" in server["command"]


def test_what_is_run(nouns: Nouns, tmp_path: Path) -> None:
    """The launcher alone knows the key, and gives it to what it runs."""
    release = tmp_path / "releases" / "one two"
    python = release / "stack/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    for name, file in engine.rendered(_instance(nouns)).items():
        (release / name).write_text(file.text)
        (release / name).chmod(int(file.mode, 8))
    (release / "lmdeploy.py").write_text(
        "import json, os, sys\n"
        "told = open('/proc/self/cmdline').read().split('\\0')\n"
        "print(json.dumps([sys.argv, told, dict(os.environ), __name__]))\n"
    )
    (tmp_path / "api-key").write_text(KEY)
    known = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(release),
        "CACHE_DIRECTORY": f"{tmp_path}/my cache",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }

    def run() -> tuple[list[str], list[str], dict[str, str], str]:
        said = subprocess.check_output(["./start"], cwd=release, env=known, text=True)
        words, told, variables, name = json.loads(said)
        return words, told, variables, name

    words, told, variables, name = run()
    assert (words[-1], name) == (f"--api-keys={KEY}", "__main__")
    assert words[1:4] == ["serve", "api_server", f"{release}/weights"]
    assert not any(KEY in word for word in [*told, *variables.values()])
    assert told[1] == f"{release}/launch.py"
    cache = f"{tmp_path}/my cache/one two"
    assert (variables["HOME"], variables["TRITON_CACHE_DIR"]) == (cache, f"{cache}/triton")
    (tmp_path / "api-key").write_text("")
    assert not any("--api-keys" in word for word in run()[0])
