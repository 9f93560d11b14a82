"""The stand-in of vLLM starts where vLLM would, and nowhere else."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.standins.vllm.served import CONFIG, Served, checkpoint, install, table


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    return install(folder, table(folder))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "model")


def _end(python: Path, model: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Status and log of a server that does not get as far as serving."""
    log = model.parent / "log"
    with Served(python, model=model, log=log, words=words, environment=environment) as served:
        return served.status(), served.log


def test_version(python: Path) -> None:
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--version"]
    assert subprocess.check_output(command, text=True) == "vllm 0.32.0 (stand-in)\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--api-key secret", "unrecognized arguments: --api-key secret"),
        ("--gpu-mem 0.9", "unrecognized arguments: --gpu-mem 0.9"),
        ("--task generate", "unrecognized arguments: --task generate"),
        ("--dtype int8", "argument --dtype: invalid choice: 'int8' (choose from "),
        ("--limit-mm-per-prompt image=1", "argument --limit-mm-per-prompt: Value image=1 cannot "),
        ('--limit-mm-per-prompt {"smell":1}', "'smell' is wrong."),
        ("--hf-overrides x", "argument --hf-overrides: Value x cannot be converted to "),
        ("--max-model-len long", "invalid human_readable_int_or_auto value: 'long'"),
        ("--max-num-seqs 0", "should be greater than or equal to 1, not 0"),
        ("--gpu-memory-utilization 1.5", "less than or equal to 1, not 1.5"),
        ("--port 65536", "65536 is not a port"),
    ],
)
def test_command_lines_it_refuses(python: Path, model: Path, words: str, message: str) -> None:
    status, log = _end(python, model, *words.split(" "))
    assert status == 2
    assert "\napi_server.py: error: " in log
    assert message in log.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--max-model-len 8k", "max_model_len (8000) is greater than the derived"),
        ("--tensor-parallel-size 3", "heads (4) must be divisible by tensor parallel size (3)."),
        ('--hf-overrides {"architectures":["Qwen3"]}', "architectures ['Qwen3'] are not supported"),
        ('--hf-overrides {"standin":{"sleepy":1}}', "'sleepy' is no misbehaviour"),
        ('--hf-overrides {"standin":{"hang":1}}', "standin/hang: 1 will not do"),
    ],
)
def test_wishes_it_refuses(python: Path, model: Path, words: str, message: str) -> None:
    status, log = _end(python, model, *words.split(" "))
    assert status == 1
    assert message in log
    assert "Starting vLLM server" not in log


def test_folders_it_refuses(python: Path, model: Path) -> None:
    shard = model / "model.safetensors"
    whole = shard.read_bytes()
    for content, message in (
        (whole[:-1], "MetadataIncompleteBuffer"),
        (whole + b"!", "MetadataIncompleteBuffer"),
        (b"version https://git-lfs", "HeaderTooLarge"),
        (whole[:20], "InvalidHeaderLength"),
    ):
        shard.write_bytes(content)
        status, log = _end(python, model)
        assert status == 1
        assert f"({message})\n" in log
        assert "Engine core initialization failed. See root cause above." in log

    shard.unlink()
    assert "Cannot find any model weights with" in _end(python, model)[1]
    (model / "config.json").write_text(
        json.dumps({**CONFIG, "architectures": ["LlamaForCausalLM"]})
    )
    assert "['LlamaForCausalLM'] are not supported for now." in _end(python, model)[1]
    (model / "config.json").unlink()
    assert "Invalid repository ID or local directory specified" in _end(python, model)[1]
    assert "Repo id must use alphanumeric chars" in _end(python, model.parent / "none")[1]


@pytest.mark.parametrize("size", ["", "1GiB"])
def test_it_wants_the_size_of_its_cache(python: Path, model: Path, size: str) -> None:
    status, log = _end(python, model, VLLM_CPU_KVCACHE_SPACE=size)
    assert status == 1
    assert f"VLLM_CPU_KVCACHE_SPACE={size!r} is not a number of GiB" in log


def test_it_writes_into_its_cache(python: Path, model: Path) -> None:
    with Served(python, model=model, log=model.parent / "log") as served:
        served.ready()
    assert list((model.parent / "cache" / "modelinfos").iterdir())

    # A file where the folder should be stops even root.
    (model.parent / "file").write_bytes(b"")
    status, log = _end(python, model, VLLM_CACHE_ROOT=str(model.parent / "file" / "cache"))
    assert status == 1
    assert "NotADirectoryError" in log


def test_without_a_key_every_page_is_open(python: Path, model: Path) -> None:
    log, nothing = model.parent / "log", {"VLLM_API_KEY": ""}
    with Served(python, model=model, log=log, environment=nothing) as served:
        status, page = served.ready().ask("/v1/models", key=None)
        assert (status, page["data"][0]["id"]) == (200, str(model))
