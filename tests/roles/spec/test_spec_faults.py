"""Every way in which an inventory is wrong, and the words it is told in."""

import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from roles.spec import (
    Accelerator,
    Bundle,
    Check,
    Compression,
    Fleet,
    Folder,
    HostFolder,
    HostSpec,
    HttpFolder,
    HuggingFace,
    Kind,
    Lock,
    ModelScope,
    Packages,
    Rsync,
    Secret,
    SpecError,
    Weights,
    WeightsFile,
    inventory,
    manifest,
)
from tests.roles.spec.nouns import HASH, LOCK, Nouns

ROOT = Path(__file__).parents[3]
KEY = "sk-51f0c4"


def _depot(**changed: Any) -> Rsync:
    right: dict[str, Any] = {
        "host": "depot",
        "user": "models",
        "path": "/srv/m",
        "host_key": "ssh-ed25519 AAAA",
    }
    return Rsync(**(right | changed))


# What is wrong, made from right nouns; and the line that says so, below gpu-1.example/.
WRONG: list[tuple[Callable[[Nouns], HostSpec], str]] = [
    # Fields, one by one.
    (
        lambda n: n.chat(port=80000),
        "instances/chat/port: is 80000, should be less than or equal to 65535",
    ),
    (
        lambda n: n.chat(port=80),
        "instances/chat/port: is 80, should be greater than or equal to 1024",
    ),
    (
        lambda n: n.chat(port="web"),
        "instances/chat/port: is 'web', should be a valid integer",
    ),
    (
        lambda n: n.chat(prot=8000),
        "instances/chat/prot: there is no such key, did you mean port",
    ),
    (
        lambda n: n.host(weights_roots="/srv"),
        "weights_roots: there is no such key, did you mean weights_root",
    ),
    (
        lambda n: n.host(gpu=4),
        "gpu: there is no such key, "
        "known are accelerator, agent, containers, driver, fetch_limit_mib_s, gateway, installers, "
        "instances, may_reboot, packages, python, rack, ready_for, spread, weights_root",
    ),
    (
        lambda n: n.host(fetch_limit_mib_s=0),
        "fetch_limit_mib_s: is 0, should be greater than 0",
    ),
    (
        lambda n: HostSpec(),  # type: ignore[call-arg]
        "accelerator: is missing, should be an Accelerator",
    ),
    (
        lambda n: n.chat(weights=Weights(name="w", files=n.weights().files)),  # type: ignore[call-arg]
        "instances/chat/weights/sources: is missing, should be a tuple",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=("/mnt/models",))),
        "instances/chat/weights/sources/0: is '/mnt/models', should be a Folder or a HostFolder "
        "or a Bundle or a HttpFolder or a Rsync or a HuggingFace or a ModelScope",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=())),
        "instances/chat/weights/sources: is empty, name one at least",
    ),
    (
        lambda n: n.chat(
            weights=n.weights(sources=(HostFolder(path="/mnt"), Folder(path=n.folder)))
        ),
        "instances/chat/weights/sources: has a Folder behind another source, "
        "name it first and once, its files travel before any source is asked",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(HuggingFace(repo="o/r", revision="main"),))),
        "instances/chat/weights/sources/0/revision: is 'main', should be a commit of 40 "
        "hexadecimal digits, which deploy/pin.py finds for a branch",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(ModelScope(repo="r", revision="0" * 40),))),
        "instances/chat/weights/sources/0/repo: is 'r', should be owner/name, "
        "of letters, digits, . _ and -",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(_depot(host="-oProxyCommand=x"),))),
        "instances/chat/weights/sources//srv/m/host: is '-oProxyCommand=x', "
        "should be a name or an IPv4 address",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(_depot(user="Me"),))),
        "instances/chat/weights/sources//srv/m/user: is 'Me', should be the name of a user there",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(_depot(path="~/models"),))),
        "instances/chat/weights/sources/~/models/path: is '~/models', "
        "should be an absolute path of letters, digits, . _ and -",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(_depot(host_key="SHA256:x"),))),
        "instances/chat/weights/sources//srv/m/host_key: is 'SHA256:x', should be kind and key, "
        "as /etc/ssh/ssh_host_ed25519_key.pub has them on the depot",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(Bundle(),))),
        "instances/chat/weights/sources/0: says not where it is, give exactly one of path, url",
    ),
    (
        lambda n: n.chat(weights=n.weights(sources=(Bundle(path="/b", url="http://b"),))),
        "instances/chat/weights/sources//b: has path and url, give exactly one of path, url",
    ),
    (
        # A password in a URL is a secret: no message shows it.
        lambda n: n.chat(weights=n.weights(sources=(HttpFolder(url="https://me:pw@mirror/m"),))),
        "instances/chat/weights/sources/0/url: is a str, "
        "should be an http or https URL without a password",
    ),
    (
        lambda n: n.chat(compression=Compression.W8A8SC),
        "instances/chat/compression: is w8a8sc for vllm, leave it out, mindie alone reads it",
    ),
    (
        lambda n: n.chat(compression="w4a8"),
        "instances/chat/compression: is 'w4a8', should be 'w8a8sc'",
    ),
    (
        lambda n: n.chat(stack="vllm-0.26-cuda"),
        "instances/chat/stack: is 'vllm-0.26-cuda', should be a Stack",
    ),
    (
        lambda n: n.chat(stack=n.weights()),
        "instances/chat/stack: is a Weights, should be a Stack",
    ),
    (
        lambda n: n.host(instances=n.instance()),
        "instances: is an Instance, should be a tuple, which for one item is written (item,)",
    ),
    (
        lambda n: n.chat(devices=0),
        "instances/chat/devices: is 0, should be a tuple, which for one item is written (item,)",
    ),
    (
        lambda n: n.chat(address="gpu-1"),
        "instances/chat/address: is 'gpu-1', should be a valid IPv4 or IPv6 address",
    ),
    (
        lambda n: n.chat(name="Chat_1"),
        "instances/Chat_1/name: is 'Chat_1', "
        "should be up to 20 lower-case letters and digits, with - between them",
    ),
    (
        lambda n: n.chat(name="c" * 21),
        f"instances/{'c' * 21}/name: is '{'c' * 21}', "
        "should be up to 20 lower-case letters and digits, with - between them",
    ),
    (
        lambda n: n.chat(weights=n.weights(name="w" * 61)),
        f"instances/chat/weights/name: is '{'w' * 61}', "
        "should be up to 60 lower-case letters and digits, with . or - between them",
    ),
    (
        lambda n: n.chat(options=n.options(dtype="int8")),
        "instances/chat/options/dtype: is 'int8', "
        "should be 'auto', 'bfloat16', 'float16' or 'float32'",
    ),
    (
        lambda n: n.chat(options=n.options(gpu_memory_utilization=90)),
        "instances/chat/options/gpu_memory_utilization: is 90, should be less than 1",
    ),
    (
        lambda n: n.chat(weights=n.weights(takes=(Kind.TEXT,))),
        "instances/chat/weights/takes/0: is 'text', should be 'image' or 'video'",
    ),
    (
        lambda n: n.host(accelerator="rocm"),
        "accelerator: is 'rocm', should be 'cuda', 'ascend' or 'cpu'",
    ),
    (
        lambda n: n.host(weights_root="models"),
        "weights_root: is 'models', should be an absolute path of letters, digits, . _ and -",
    ),
    (
        lambda n: n.chat(ready_within_s=1),
        "instances/chat/ready_within_s: is 1, should be greater than or equal to 10",
    ),
    (
        lambda n: n.chat(checks=(n.check(prompt=""),)),
        "instances/chat/checks/sum/prompt: is '', should have at least 1 character",
    ),
    (
        lambda n: n.chat(checks=(n.check(prompt=["long"] * 20),)),
        "instances/chat/checks/sum/prompt: "
        f"is {str(['long'] * 20)[:77]}..., should be a valid string",
    ),
    # A stack and its lock.
    (
        lambda n: n.chat(stack=n.stack(version="latest")),
        "instances/chat/stack/version: is 'latest', "
        "should be a version with all its numbers, as in 0.32.0",
    ),
    (
        lambda n: n.chat(stack=n.stack(python="3")),
        "instances/chat/stack/python: is '3', should be a minor version of Python, as in 3.12",
    ),
    (
        lambda n: n.chat(stack=n.stack(command=())),
        "instances/chat/stack/command: is (), should have at least 1 item",
    ),
    (
        lambda n: n.chat(stack=n.stack(driver=None)),
        "instances/chat/stack/driver: is missing from a cuda stack, "
        "give the oldest driver that runs it, as in 580.65.06",
    ),
    (
        lambda n: n.chat(stack=n.stack(driver="R580")),
        "instances/chat/stack/driver: is 'R580', should be a version, as in 580.65.06",
    ),
    (
        lambda n: n.chat(stack=n.stack(lock=n.lock(LOCK + "torch==2.11.0\n"))),
        "instances/chat/stack/lock/file: torch==2.11.0 in lock.txt has no hash, "
        "make the lock with uv pip compile --generate-hashes",
    ),
    (
        lambda n: n.chat(stack=n.stack(lock=n.lock(f"{LOCK}torch>=2.11 --hash=sha256:{HASH}\n"))),
        "instances/chat/stack/lock/file: torch>=2.11 in lock.txt is not pinned, pin it with ==",
    ),
    (
        lambda n: n.chat(stack=n.stack(lock=n.lock(f"--index-url http://mirror.example\n{LOCK}"))),
        "instances/chat/stack/lock/file: lock.txt sets --index-url, "
        "hosts have their own, leave it out of the lock",
    ),
    (
        lambda n: n.chat(stack=n.stack(lock=n.lock("# nothing yet\n\n"))),
        "instances/chat/stack/lock/file: lock.txt pins nothing, lock at least the engine",
    ),
    (
        lambda n: n.chat(stack=n.stack(lock=Lock(file=n.folder / "gone.txt"))),
        "instances/chat/stack/lock/file: {folder}/gone.txt does not exist, name a lock file",
    ),
    (
        lambda n: n.chat(stack=n.stack(os_packages=("g++", "libnuma1; reboot"))),
        "instances/chat/stack/os_packages/1: is 'libnuma1; reboot', "
        "should be the name of a Debian package",
    ),
    # Weights.
    (
        lambda n: n.chat(weights=n.weights(sources=(Folder(path=n.folder / "gone"),))),
        "instances/chat/weights/sources/{folder}/gone/path: {folder}/gone is no folder, "
        "name one on this machine",
    ),
    (
        lambda n: n.chat(weights=n.weights("pytorch_model.bin")),
        "instances/chat/weights/files/pytorch_model.bin: "
        "may hold a pickle, which runs code when loaded, use the safetensors of the same revision",
    ),
    (
        lambda n: n.chat(weights=n.weights("modeling_qwen.py")),
        "instances/chat/weights/files/modeling_qwen.py: "
        "is code that the engine would be asked to trust, use a revision without remote code",
    ),
    (
        lambda n: n.chat(weights=n.weights("merges.txt", "merges.txt")),
        "instances/chat/weights/files: merges.txt is listed twice, list it once",
    ),
    (
        lambda n: n.chat(weights=n.weights(files=n.weights("merges.txt").files[1:])),
        "instances/chat/weights/files: has no config.json, list the whole snapshot",
    ),
    (
        lambda n: n.chat(weights=n.weights(files=())),
        "instances/chat/weights/files: is (), should have at least 1 item",
    ),
    (
        lambda n: n.chat(weights=n.weights("../../etc/passwd")),
        "instances/chat/weights/files/../../etc/passwd/path: is '../../etc/passwd', "
        "should be a path below the snapshot's folder, of letters, digits, . _ and -",
    ),
    (
        lambda n: n.chat(
            weights=n.weights(files=(WeightsFile(path="config.json", size=1, sha256="abc"),))
        ),
        "instances/chat/weights/files/config.json/sha256: is 'abc', "
        "should be 64 hexadecimal digits",
    ),
    # Between the fields of an instance.
    (
        lambda n: n.chat(devices=(0, 1)),
        "instances/chat/options/tensor_parallel_size: is 1 on 2 device(s), "
        "should equal the number of devices",
    ),
    (
        lambda n: n.chat(devices=(0, 0), options=n.options(tensor_parallel_size=2)),
        "instances/chat/devices: is [0, 0], should be different indices, 0 or greater",
    ),
    (
        lambda n: n.chat(address=IPv4Address("10.0.0.11"), api_key=None),
        "instances/chat/api_key: is None while the server listens on 10.0.0.11, "
        "name a secret, or listen on 127.0.0.1",
    ),
    (
        lambda n: n.chat(options=n.options(extra=("--api-key=" + KEY,))),
        "instances/chat/options/extra: --api-key is rendered from the spec, "
        "leave it out and set the field that says it",
    ),
    (
        lambda n: n.chat(options=n.options(environment={"A B": "c"})),
        "instances/chat/options/environment/A B/[key]: is a str, "
        "should be the name of an environment variable",
    ),
    (
        lambda n: n.chat(model="--help"),
        "instances/chat/model: is '--help', should be a name such as qwen3-vl or qwen3:8b",
    ),
    (
        lambda n: n.chat(options=n.options(extra=("--trust_remote_code",))),
        "instances/chat/options/extra: --trust-remote-code would run code that came with the "
        "weights, leave it out and use a revision without remote code",
    ),
    (
        lambda n: n.chat(options=n.options(extra=("-tp", "2"))),
        "instances/chat/options/extra: -tp is rendered from the spec, "
        "leave it out and set the field that says it",
    ),
    (
        lambda n: n.chat(options=n.options(extra=("--limit_mm_per_prompt.image", "2"))),
        "instances/chat/options/extra: --limit-mm-per-prompt is rendered from the spec, "
        "leave it out and set the field that says it",
    ),
    # Checks.
    (
        lambda n: n.chat(weights=n.weights(takes=(Kind.IMAGE,))),
        "instances/chat/checks: asks no image question, which qwen3-8b can answer, "
        "add one whose answer is known",
    ),
    (
        lambda n: n.chat(weights=n.weights(checks=())),
        "instances/chat/checks: asks no text question, which qwen3-8b can answer, "
        "add one whose answer is known",
    ),
    (
        lambda n: n.chat(
            checks=(n.check(), n.check(name="film", kind=Kind.VIDEO, file=n.file("film.mp4"))),
        ),
        "instances/chat/checks: asks about a video, which qwen3-8b does not take, "
        "drop the question, or add video to the weights' takes",
    ),
    (
        lambda n: n.chat(
            weights=n.weights(takes=(Kind.IMAGE,)),
            checks=(n.check(), n.check(name="sign", kind=Kind.IMAGE, file=n.file("sign.png"))),
        ),
        "instances/chat/options/images: is 0 while a check sends an image, should be 1 or more",
    ),
    (
        lambda n: n.chat(checks=(n.check(), n.check())),
        "instances/chat/checks/sum: is asked twice, name it once",
    ),
    (
        lambda n: n.chat(checks=(n.check(expect=""),)),
        "instances/chat/checks/sum/expect: is empty, so that any answer would pass, "
        "say what the answer must hold",
    ),
    (
        lambda n: n.chat(checks=(n.check(file=n.file("sign.png")),)),
        "instances/chat/checks/sum/file: is given to a text check, "
        "make it an image or a video check, or leave the file out",
    ),
    (
        lambda n: n.chat(
            weights=n.weights(takes=(Kind.IMAGE,)),
            options=n.options(images=1),
            checks=(n.check(), n.check(name="sign", kind=Kind.IMAGE)),
        ),
        "instances/chat/checks/sign/file: is missing from an image check, "
        "name the image that the question is about",
    ),
    (
        lambda n: n.chat(
            weights=n.weights(takes=(Kind.IMAGE,)),
            options=n.options(images=1),
            checks=(
                n.check(),
                n.check(name="sign", kind=Kind.IMAGE, file=n.folder / "gone.png"),
            ),
        ),
        "instances/chat/checks/sign/file: {folder}/gone.png does not exist, "
        "name a file on this machine",
    ),
    (
        lambda n: n.chat(checks=(n.check(kind="poem"),)),
        "instances/chat/checks/sum/kind: is 'poem', "
        "should be 'text', 'stream', 'image', 'video' or 'error'",
    ),
    # Between instances, and between instance and host.
    (
        lambda n: n.chat().model_copy(update={"accelerator": Accelerator.ASCEND}),
        "instances/chat/stack: vllm-0.26-cuda needs cuda, this host has ascend, "
        "choose a stack for ascend",
    ),
    (
        lambda n: n.host(n.instance(), n.instance(name="draw", devices=(1,))),
        "instances/draw: wants port 8000, which instance 1 (chat) has, "
        "give each instance its own port",
    ),
    (
        lambda n: n.host(n.instance(), n.instance(name="draw", port=8001)),
        "instances/draw: wants device 0, which instance 1 (chat) has, "
        "give each device to one instance",
    ),
    (
        lambda n: n.host(n.instance(), n.instance(devices=(1,), port=8001)),
        "instances/chat: wants the name chat, which instance 1 (chat) has, "
        "give each instance its own name",
    ),
    (
        lambda n: n.host(
            n.instance(),
            n.instance(name="draw", devices=(1,), port=8001, weights=n.weights("merges.txt")),
        ),
        "instances/draw: has weights qwen3-8b with other content than an instance before it, "
        "never edit what was deployed, give it a new name",
    ),
    (
        lambda n: n.host(
            n.instance(),
            n.instance(name="draw", devices=(1,), port=8001, stack=n.stack(python="3.11")),
        ),
        "instances/draw: has stack vllm-0.26-cuda with other content than an instance before it, "
        "never edit what was deployed, give it a new name",
    ),
    # Secrets, which a message must never show.
    (
        lambda n: n.chat(api_key=KEY),
        "instances/chat/api_key: is a str, should be a Secret",
    ),
    (
        lambda n: n.chat(api_key=Secret(env=KEY)),
        "instances/chat/api_key/env: is a str, should be the name of a variable, not its value",
    ),
    (
        lambda n: n.chat(api_key=Secret()),
        "instances/chat/api_key: names no place to read it from, "
        "give exactly one of env, file, command",
    ),
    (
        lambda n: n.chat(api_key=Secret(env="KEY", command=("pass", "show", "key"))),
        "instances/chat/api_key: has env and command, give exactly one of env, file, command",
    ),
    (
        lambda n: n.host(packages=Packages(index=f"https://me:{KEY}@mirror.example/simple")),
        "packages/index: is a str, should be an http or https URL without a password",
    ),
    (
        lambda n: n.chat(options=n.options(environment={"HF_TOKEN": [KEY]})),
        "instances/chat/options/environment/HF_TOKEN: is a list, should be a valid string",
    ),
    (
        lambda n: n.host(
            packages=Packages(folder="/srv/wheels", proxy="http://proxy.example:3128")
        ),
        "packages/folder: is given beside an index or a proxy that would never be asked, "
        "give one of them",
    ),
]


@pytest.mark.parametrize(("wrong", "line"), WRONG, ids=[line for _, line in WRONG])
def test_says_what_is_wrong(nouns: Nouns, wrong: Callable[[Nouns], HostSpec], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        inventory({"gpu-1.example": wrong(nouns)})
    line = line.replace("{folder}", str(nouns.folder))
    assert str(caught.value) == f"1 fault in the inventory\n  gpu-1.example/{line}"
    assert KEY not in str(caught.value)


def test_no_fault(nouns: Nouns) -> None:
    spec = nouns.chat()
    strict = {"ssh_strict_host_key_checking": "yes"}
    known = {"spec": spec, "fleet": Fleet()}
    assert inventory({"gpu-1.example": spec}) == ([("gpu-1.example", {**known, **strict})],)
    # A machine that is not reached by ssh has no host key.
    assert inventory({"@local": spec}) == ([("@local", known)],)


@pytest.mark.parametrize(
    ("kind", "name", "right"),
    [("image", "cat.webp", ".png or .jpg or .jpeg"), ("video", "cat.png", ".mp4")],
)
def test_file_that_cannot_be_sent(kind: str, name: str, right: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    asked = Check(name="cat", kind=Kind(kind), prompt="What?", file=tmp_path / name, expect="a cat")
    assert [str(fault) for fault in asked.faults()] == [
        f"file: {name} is no {kind} that can be sent, should end in {right}"
    ]


def test_cpu_stack(nouns: Nouns) -> None:
    """A stack for CPUs has neither driver nor devices."""
    stack = nouns.stack(name="vllm-0.26-cpu", accelerator=Accelerator.CPU)
    host = nouns.host(nouns.instance(stack=stack), accelerator=Accelerator.CPU)
    assert [str(fault) for fault in host.faults()] == [
        "instances/chat/stack/driver: is given to a stack for cpu, "
        "leave it out, only cuda stacks have a driver floor",
        "instances/chat/devices: is given to a cpu stack, leave it out",
    ]


def test_every_fault_at_once(nouns: Nouns) -> None:
    """Faults of several hosts and nouns come in one go, the sound ones being asked on."""
    chat = nouns.instance(port=80000, weights=nouns.weights("model.pt"))
    draw = nouns.instance(name="draw", api_key=Secret(), devices=(1, 2))
    with pytest.raises(SpecError) as caught:
        inventory(
            {"gpu-1.example": nouns.host(chat, draw)},
            {"gpu-2.example": nouns.host(python="python3", instance=())},
        )
    assert str(caught.value).splitlines() == [
        "6 faults in the inventory",
        "  gpu-1.example/instances/chat/port: is 80000, should be less than or equal to 65535",
        "  gpu-1.example/instances/chat/weights/files/model.pt: "
        "may hold a pickle, which runs code when loaded, use the safetensors of the same revision",
        "  gpu-1.example/instances/draw/api_key: names no place to read it from, "
        "give exactly one of env, file, command",
        "  gpu-1.example/instances/draw/options/tensor_parallel_size: is 1 on 2 device(s), "
        "should equal the number of devices",
        "  gpu-2.example/python: is 'python3', "
        "should be an absolute path of letters, digits, . _ and -",
        "  gpu-2.example/instance: there is no such key, did you mean instances",
    ]
    assert [fault.path for fault in caught.value.faults][-1] == "gpu-2.example/instance"


def test_one_spec_on_many_hosts(nouns: Nouns) -> None:
    """A fault that many hosts share is one line."""
    spec = nouns.host(python="python3")
    with pytest.raises(SpecError) as caught:
        inventory({f"gpu-{n}.example": spec for n in range(1000)}, {"gpu-7.example": spec})
    assert str(caught.value).splitlines() == [
        "1 fault in the inventory",
        "  gpu-0.example (and 999 more)/python: is 'python3', "
        "should be an absolute path of letters, digits, . _ and -",
    ]


def test_two_groups(nouns: Nouns) -> None:
    """A host may be in two groups, but only with one spec."""
    inventory({"gpu-1.example": nouns.host()}, {"gpu-1.example": nouns.host()})
    with pytest.raises(SpecError) as caught:
        inventory({"gpu-1.example": nouns.host()}, {"gpu-1.example": nouns.chat()})
    assert str(caught.value).splitlines()[1:] == [
        "  gpu-1.example: is in two groups with different specs, give a host one spec"
    ]


def test_manifest(nouns: Nouns) -> None:
    file = nouns.file("model.sha256", f"{HASH}  2  config.json\n{HASH}  3  a b.txt\n")
    first, second = manifest(file)
    assert (first.path, first.size, first.sha256) == ("config.json", 2, HASH)
    assert [str(fault) for fault in second.faults()] == [
        "path: is 'a b.txt', "
        "should be a path below the snapshot's folder, of letters, digits, . _ and -"
    ]


def test_manifest_of_another_shape(nouns: Nouns) -> None:
    file = nouns.file("model.sha256", f"{HASH}  config.json\n{HASH}  1  a.json\n\n{HASH}  1k  b\n")
    with pytest.raises(SpecError) as caught:
        manifest(file)
    shape = "should be '<sha256>  <size>  <path>'"
    assert [str(fault) for fault in caught.value.faults] == [
        f"{file}:1: is '{HASH}  config.json', {shape}",
        f"{file}:3: is '', {shape}",
        f"{file}:4: is '{HASH}  1k  b', {shape}",
    ]


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        manifest(tmp_path / "model.sha256")
    assert [str(fault) for fault in caught.value.faults] == [
        f"{tmp_path}/model.sha256: does not exist, "
        "make it with python -m roles.weights.manifest FOLDER"
    ]


def test_what_pyinfra_prints(tmp_path: Path) -> None:
    """The lines alone, no traceback, no debug log; and the exit code of a failure."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from roles.spec import HostSpec, inventory\n"
        "(gpu,) = inventory({'gpu-1.example': HostSpec(accelerator='rocm')})\n"
    )
    ended = _pyinfra(str(wrong), "debug-inventory", folder=ROOT)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "--> Loading config...",
        "--> Loading inventory...",
        "1 fault in the inventory",
        "  gpu-1.example/accelerator: is 'rocm', should be 'cuda', 'ascend' or 'cpu'",
    ]
    assert list(tmp_path.iterdir()) == [wrong]


def _pyinfra(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command: list[Any] = [Path(sys.executable).with_name("pyinfra"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
