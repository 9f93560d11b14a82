"""What an instance runs: compared whole, and really run, with a ``python`` that tells its words."""

import json
import os
import shlex
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from roles import engine, paths
from roles.spec import Accelerator, Across, Instance, Rank, Secret
from tests.roles.spec.nouns import Nouns

HERE = Path(__file__).parent
KEY = "sesame-sesame-sesame"
ODD = (
    "a b",
    "it's",
    'say "hi"',
    "$HOME `id` $(id)",
    "back\\slash\\",
    "two\nlines",
    '{"image": {"count": 1, "width": "1 m"}}',
    "*",
    "~",
    "",
    "#no comment",
    "größe",
    "-" * 3,
    "; exit 1",
)


def _cuda(nouns: Nouns, **fields: Any) -> Instance:
    options = nouns.options(
        tensor_parallel_size=2,
        images=2,
        videos=1,
        dtype="bfloat16",
        extra=("--mm-processor-kwargs", '{"max_pixels": 1003520}'),
        environment={"VLLM_LOGGING_LEVEL": "DEBUG", "NCCL_DEBUG": "it's $5"},
    )
    right = {"devices": (0, 3), "options": options, "model": "assistant"}
    return nouns.instance(**right | fields)


def _cpu(nouns: Nouns) -> Instance:
    stack = nouns.stack(name="vllm-0.26-cpu", accelerator=Accelerator.CPU, driver=None)
    options = nouns.options(dtype="float32", kv_cache_gib=4, enforce_eager=True)
    return nouns.instance(stack=stack, options=options, devices=())


CARDS = ("0, GPU-aa", "1, GPU-bb", "2, GPU-cc", "3, GPU-dd")


def _run(
    tmp_path: Path,
    files: dict[str, engine.File],
    *program: str,
    key: str = KEY,
    cards: tuple[str, ...] = CARDS,
    **environment: str,
) -> tuple[list[str], dict[str, str]]:
    """Start a release as its unit does; return the words and the variables of the server."""
    release = tmp_path / "releases" / "one two"
    tells = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
    _program(release / "stack/venv/bin/python", f"#!{sys.executable} -SE\n{tells}")
    asked = "--query-gpu=index,uuid --format=csv,noheader"
    listed = "\n".join(cards)
    smi = f'#!/bin/sh\n[ "$*" = "{asked}" ] || exit 2\ncat <<END\n{listed}\nEND\n'
    _program(tmp_path / "bin/nvidia-smi", smi)
    start = release / "start"
    start.write_text(files["start"].text)
    start.chmod(int(files["start"].mode, 8))
    current = tmp_path / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(release)
    (tmp_path / "api-key").write_text(key)
    ended = _ran(tmp_path, *program, **environment)
    assert ended.stderr == ""
    words, variables = json.loads(ended.stdout)
    return words, variables


def _ran(tmp_path: Path, *program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "CACHE_DIRECTORY": f"{tmp_path}/my cache",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    return subprocess.run(
        ["./start", *program],
        cwd=tmp_path / "current",
        env=known | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def _program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


@pytest.mark.parametrize("name", ["start", "environment"])
def test_on_cuda(nouns: Nouns, name: str) -> None:
    found = engine.rendered(_cuda(nouns))
    assert sorted(found) == ["environment", "start"]
    assert found[name].text == (HERE / f"cuda.{name}").read_text()


@pytest.mark.parametrize("name", ["start", "environment"])
def test_on_cpu(nouns: Nouns, name: str) -> None:
    assert engine.rendered(_cpu(nouns))[name].text == (HERE / f"cpu.{name}").read_text()


def test_modes(nouns: Nouns) -> None:
    found = engine.rendered(_cuda(nouns))
    assert {name: file.mode for name, file in found.items()} == {
        "start": "0755",
        "environment": "0644",
    }


def test_unit(nouns: Nouns) -> None:
    found = engine.unit_file(nouns.stack(), python="/usr/bin/python3.12")
    assert found == (HERE / "metalserve-vllm@.service").read_text()


def test_what_is_run(nouns: Nouns, tmp_path: Path) -> None:
    words, variables = _run(tmp_path, engine.rendered(_cuda(nouns)))
    assert words == [
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", f"{tmp_path}/releases/one two/weights"),
        *("--host", "127.0.0.1"),
        *("--port", "8000"),
        *("--served-model-name", "assistant"),
        *("--dtype", "bfloat16"),
        *("--max-model-len", "4096"),
        *("--max-num-seqs", "64"),
        *("--tensor-parallel-size", "2"),
        *("--limit-mm-per-prompt", '{"image": 2, "video": 1}'),
        *("--gpu-memory-utilization", "0.9"),
        *("--shutdown-timeout", "10"),
        *("--mm-processor-kwargs", '{"max_pixels": 1003520}'),
    ]
    assert variables["VLLM_API_KEY"] == KEY
    cache = f"{tmp_path}/my cache/one two"
    assert {name: value for name, value in variables.items() if value.startswith(cache)} == {
        "HOME": cache,
        "XDG_CACHE_HOME": cache,
        "XDG_CONFIG_HOME": cache,
        "VLLM_CACHE_ROOT": f"{cache}/vllm",
        "TRITON_CACHE_DIR": f"{cache}/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{cache}/inductor",
        "CUDA_CACHE_PATH": f"{cache}/cuda",
    }


def test_odd_words_arrive_as_they_are(nouns: Nouns, tmp_path: Path) -> None:
    options = nouns.options(extra=("--odd", *ODD))
    words, _ = _run(tmp_path, engine.rendered(nouns.instance(options=options)))
    assert words[words.index("--odd") + 1 :] == list(ODD)


def test_served_by_the_command(nouns: Nouns, tmp_path: Path) -> None:
    """``vllm serve`` wants the model at once, where the module wants it named."""
    stack = nouns.stack(command=("-m", "vllm.entrypoints.cli.main", "serve"))
    words, _ = _run(tmp_path, engine.rendered(_cuda(nouns, stack=stack)))
    model = f"{tmp_path}/releases/one two/weights"
    assert words[:5] == ["-m", "vllm.entrypoints.cli.main", "serve", model, "--host"]
    assert "--model" not in words


def test_another_program_has_the_words_of_the_server(nouns: Nouns, tmp_path: Path) -> None:
    files = engine.rendered(_cpu(nouns))
    served, _ = _run(tmp_path, files)
    words, _ = _run(tmp_path, files, "/hostside/offline_vllm.py")
    assert served[:2] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert words == ["/hostside/offline_vllm.py", *served[2:]]


@pytest.mark.parametrize(("version", "there"), [("0.13.0", False), ("0.18.1", True)])
def test_shutdown_waits_where_the_pin_can(nouns: Nouns, version: str, there: bool) -> None:
    instance = _cuda(nouns, stack=nouns.stack(version=version))
    assert ("--shutdown-timeout 10" in engine.rendered(instance)["start"].text) is there


def test_cards_keep_their_instance(nouns: Nouns, tmp_path: Path) -> None:
    """A card that is gone moves the indices of those behind it, and no server to another's card."""
    files = engine.rendered(_cuda(nouns))
    assert _run(tmp_path, files)[1]["CUDA_VISIBLE_DEVICES"] == "0,3"
    moved = ("0, GPU-aa", "1, GPU-cc", "2, GPU-dd")
    assert _run(tmp_path, files, cards=moved)[1]["CUDA_VISIBLE_DEVICES"] == "0,2"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(tmp_path, files, cards=("0, GPU-aa", "1, GPU-cc", "2, GPU-bb", "3, GPU-ee"))
    assert caught.value.stdout == ""
    assert caught.value.stderr == (
        "GPU-dd, a card of this release's first start, is not there; when it was replaced for "
        f"good, remove {tmp_path}/my cache/one two/cards\n"
    )


def test_without_nvidia_smi_cards_are_taken_by_index(nouns: Nouns, tmp_path: Path) -> None:
    """A driver may come without its tools, and a server that serves is better than none."""
    files = engine.rendered(_cuda(nouns))
    only = tmp_path / "only"
    only.mkdir()
    for name in ("sh", "cat", "basename", "mkdir", "sed"):
        (only / name).symlink_to(f"/usr/bin/{name}")
    with pytest.raises(AssertionError, match="devices are taken by index alone"):
        _run(tmp_path, files, PATH=str(only))
    found = _ran(tmp_path, PATH=str(only))
    assert json.loads(found.stdout)[1]["CUDA_VISIBLE_DEVICES"] == "0,3"
    assert not (tmp_path / "my cache/one two/cards").exists()


def test_card_that_was_never_there(nouns: Nouns, tmp_path: Path) -> None:
    files = engine.rendered(_cuda(nouns))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(tmp_path, files, cards=CARDS[:1])
    assert caught.value.stderr == "device 3 is not there, nvidia-smi knows: 0, GPU-aa\n"
    # What is not whole is not kept.
    assert _run(tmp_path, files)[1]["CUDA_VISIBLE_DEVICES"] == "0,3"


def test_key_is_in_no_word_and_no_file(
    nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody can read the words of a process, and the files of a release."""
    monkeypatch.setenv("METALSERVE_TEST_KEY", KEY)
    files = engine.rendered(_cuda(nouns, api_key=Secret(env="METALSERVE_TEST_KEY")))
    assert not any(KEY in file.text for file in files.values())
    words, variables = _run(tmp_path, files)
    assert not any(KEY in word for word in words)
    assert [name for name, value in variables.items() if KEY in value] == ["VLLM_API_KEY"]


def test_open_server_has_no_key(nouns: Nouns, tmp_path: Path) -> None:
    """An empty key would be one that everybody knows; neither does one come from elsewhere."""
    files = engine.rendered(nouns.instance(api_key=None))
    _, variables = _run(tmp_path, files, key="", VLLM_API_KEY="left over")
    assert "VLLM_API_KEY" not in variables


def test_no_credential_no_server(nouns: Nouns, tmp_path: Path) -> None:
    """A server that should have a key never starts without one."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(tmp_path, engine.rendered(_cuda(nouns)), CREDENTIALS_DIRECTORY=f"{tmp_path}/none")
    assert caught.value.stdout == ""
    assert "api-key" in caught.value.stderr


def test_odd_variables_are_lines_that_systemd_reads(nouns: Nouns) -> None:
    """An environment file is taken apart as a shell would take it."""
    odd = {f"ODD_{number}": value for number, value in enumerate(ODD)}
    files = engine.rendered(nouns.instance(options=nouns.options(environment=odd)))
    text = files["environment"].text
    found = dict(word.split("=", 1) for word in shlex.split(text, comments=True))
    assert {name: value for name, value in found.items() if name in odd} == odd


def test_own_variable_wins(nouns: Nouns) -> None:
    options = nouns.options(environment={"HF_HUB_OFFLINE": "0"})
    text = engine.rendered(nouns.instance(options=options))["environment"].text
    assert [line for line in text.splitlines() if "HF_HUB" in line] == ["HF_HUB_OFFLINE=0"]


@pytest.mark.parametrize(("rank", "more"), [("0", []), ("1", ["--headless"])])
def test_one_of_several_hosts(
    nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str, more: list[str]
) -> None:
    """Which one it is, and when it begins, the host finds out; the release is the same on all."""
    ranks = [Rank(host=f"gpu-{i}", address=IPv4Address(f"10.0.0.{i}")) for i in (1, 2)]
    stack = nouns.stack(
        name="vllm-0.26-cpu", accelerator=Accelerator.CPU, driver=None, command=("serve",)
    )
    options = nouns.options(pipeline_parallel_size=2)
    instance = nouns.instance(
        stack=stack, options=options, devices=(), across=Across(ranks=tuple(ranks))
    )
    found = tmp_path / "rank.py"
    # Both are run by the stack's Python, which here tells its words.
    told = f"rank={rank}\nheadless={'--headless' if more else ''}\nVLLM_HOST_IP=10.0.0.{rank}\n"
    told += "GLOO_SOCKET_IFNAME=eth1\nNCCL_SOCKET_IFNAME=eth1\n"
    files = engine.rendered(instance)
    start = files["start"].text
    asked = f"stack/venv/bin/python {paths.script('rank')} start chat $$"
    assert start.count(asked) == 1
    found.write_text(told)
    files["start"] = engine.File(start.replace(asked, f"cat {found}"), "0755")
    words, variables = _run(tmp_path, files)
    common = ["--nnodes", "2", "--master-addr", "10.0.0.1", "--master-port", "29501"]
    at = words.index("--nnodes")
    assert words[at : at + 6] == common
    assert words[at - 2 : at] == ["--pipeline-parallel-size", "2"]
    assert words[-2 - len(more) :] == ["--node-rank", rank, *more]
    named = ("VLLM_HOST_IP", "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    assert [variables[name] for name in named] == [f"10.0.0.{rank}", "eth1", "eth1"]
