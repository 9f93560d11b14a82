"""What an instance of Ollama runs: all of it is in its environment."""

import json
import os
import subprocess
import sys
from ipaddress import IPv6Address
from pathlib import Path

from roles import engine
from roles.spec import Accelerator, Engine, Instance, OllamaOptions
from tests.roles.spec.nouns import Nouns


def _environment(instance: Instance) -> dict[str, str]:
    lines = engine.rendered(instance)["environment"].text.splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_on_cuda(nouns: Nouns) -> None:
    options = OllamaOptions(
        context_length=16384,
        num_parallel=4,
        keep_alive="30m",
        flash_attention=True,
        kv_cache_type="q8_0",
        sched_spread=True,
        environment={"OLLAMA_DEBUG": "1"},
    )
    assert _environment(nouns.ollama(options=options, devices=(0, 3))) == {
        "OLLAMA_HOST": "127.0.0.1:8000",
        "OLLAMA_CONTEXT_LENGTH": "16384",
        "OLLAMA_NUM_PARALLEL": "4",
        "OLLAMA_KEEP_ALIVE": "30m",
        "OLLAMA_LOAD_TIMEOUT": "5m",
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_MAX_QUEUE": "512",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_KV_CACHE_TYPE": "q8_0",
        "OLLAMA_SCHED_SPREAD": "1",
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_NOPRUNE": "1",
        "OLLAMA_DEBUG": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "0,3",
    }


def test_on_cpu_no_gpu_is_touched(nouns: Nouns) -> None:
    stack = nouns.ollama_stack(accelerator=Accelerator.CPU)
    found = _environment(nouns.ollama(stack=stack, devices=(), address=IPv6Address("::1")))
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"
    assert found["OLLAMA_HOST"] == "'[::1]:8000'"
    assert found["OLLAMA_KEEP_ALIVE"] == "-1"
    assert "OLLAMA_FLASH_ATTENTION" not in found


def test_what_is_run(nouns: Nouns, tmp_path: Path) -> None:
    """The program of the stack, with the release's store, and a home that it may write to."""
    release = tmp_path / "releases" / "one two"
    program = release / "stack/bin/ollama"
    program.parent.mkdir(parents=True)
    tells = "import json, os, sys\nprint(json.dumps([sys.argv, dict(os.environ)]))\n"
    program.write_text(f"#!{sys.executable} -SE\n{tells}")
    program.chmod(0o755)
    start = release / "start"
    start.write_text(engine.rendered(nouns.ollama())["start"].text)
    start.chmod(0o755)
    known = {"PATH": os.environ["PATH"], "CACHE_DIRECTORY": f"{tmp_path}/my cache"}
    said = subprocess.check_output(["./start"], cwd=release, env=known, text=True)
    words, variables = json.loads(said)
    cache = f"{tmp_path}/my cache/one two"
    assert words == [str(program), "serve"]
    assert variables["OLLAMA_MODELS"] == f"{release}/weights"
    assert variables["HOME"] == cache
    assert Path(cache).is_dir()


def test_unit(nouns: Nouns) -> None:
    """It differs from vLLM's in its name alone: the same hardening, the same readiness."""
    found = engine.unit_file(nouns.ollama_stack(), python="/usr/bin/python3.12")
    other = engine.unit_file(nouns.stack(), python="/usr/bin/python3.12")
    assert "Description=metalserve: Ollama instance %i\n" in found
    # But for what vLLM tells other hosts that serve an instance with it.
    lines = other.splitlines(keepends=True)
    told = [line for line in lines if "one of several hosts" in line or "RuntimeDir" in line]
    assert len(told) == 3
    assert found.replace("Ollama", "vLLM") == "".join(one for one in lines if one not in told)


def test_it_has_no_metrics() -> None:
    """What is in flight is told by connections."""
    assert engine.metric_names(Engine.OLLAMA, "0.40.2") is None
    assert engine.health_page(Engine.OLLAMA, "0.40.2") is None
