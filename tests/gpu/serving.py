"""
Write what a control machine would tell a host that serves the canary on its GPU, into a folder:
``python -m tests.gpu.serving vllm|lmdeploy OUT WHEELS``. ``serve.sh`` does it there.

The stack is one of ``inventories/stacks``, with those packages of its lock that lie in WHEELS: what
is left out (torch and CUDA's own libraries, 3 GiB) has to be on the machine.
"""

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from inventories.stacks import lmdeploy_0_18_cuda, vllm_0_26_cuda
from inventories.weights import canary
from roles import engine, job, paths, weights
from roles.hostside import places
from roles.probe import CARRIED
from roles.release import Release
from roles.spec import (
    Accelerator,
    HostSpec,
    Instance,
    LmdeployOptions,
    Lock,
    Packages,
    Secret,
    Stack,
    VllmOptions,
)

ENGINES: dict[str, tuple[Stack, VllmOptions | LmdeployOptions]] = {
    "vllm": (
        vllm_0_26_cuda.STACK,
        VllmOptions(
            max_model_len=1024,
            max_num_seqs=8,
            images=1,
            videos=1,
            gpu_memory_utilization=0.3,
            enforce_eager=True,
            # Its kernels are compiled by nvcc where they are not carried along.
            environment={"VLLM_USE_FLASHINFER_SAMPLER": "0"},
        ),
    ),
    "lmdeploy": (
        lmdeploy_0_18_cuda.STACK,
        LmdeployOptions(
            session_len=1024,
            max_batch_size=8,
            images=1,
            videos=1,
            cache_max_entry_count=0.2,
            eager_mode=True,
        ),
    ),
}
KEY = "sk-gpu-test-7f3kQz9Xw2LmVb8Rt5"


def main() -> None:
    """See the top of the file."""
    stack, options = ENGINES[sys.argv[1]]
    out, wheels = map(Path, sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    assert isinstance(stack.lock, Lock)
    lock = out / "lock.txt"
    lock.write_text(_carried(stack.lock.text, wheels))
    (out / "key").write_text(KEY)
    stack = stack.model_copy(update={"lock": Lock(file=lock, glibc="2.31")})
    instance = Instance(
        name="canary",
        stack=stack,
        weights=canary.WEIGHTS,
        options=options,
        devices=(0,),
        port=8000,
        api_key=Secret(file=out / "key"),
    )
    spec = HostSpec(
        accelerator=Accelerator.CUDA, instances=(instance,), packages=Packages(folder="/srv/wheels")
    )
    release = Release(spec=spec, instance=instance)
    phase, digest = weights.receipt(canary.WEIGHTS, root=spec.weights_root)
    _write(
        out,
        install={
            "name": stack.folder,
            "folder": paths.stack(stack),
            "lock": lock.read_text(),
            "python": stack.python,
            "disk_gib": 3,
            "installer": engine.INSTALLER.read_text(),
            "packages": spec.packages.model_dump(),
        },
        fetch={
            "name": "canary",
            "phase": phase,
            "digest": digest,
            "folder": paths.weights(canary.WEIGHTS, root=spec.weights_root),
            "sources": [{"name": "the checkout", "folder": "/srv/canary"}],
            "files": canary.WEIGHTS.listed,
            "limit_mib_s": None,
            "proxy": None,
        },
        stage=release.staging(secrets={"generation": "gpu", "files": {"api-key": KEY}}),
        about={
            "engine": stack.engine,
            "release": release.folder,
            "stack": paths.stack(stack),
            "secrets": f"{places.secrets(instance.name)}/gpu",
            "uv": f"{places.tools()}/uv-{sha256(engine.INSTALLER.read_bytes()).hexdigest()[:12]}",
        },
    )
    for name, content in job.files(CARRIED).items():
        (out / "hostside").mkdir(exist_ok=True)
        (out / "hostside" / name).write_bytes(content)


def _carried(lock: str, wheels: Path) -> str:
    """Return the part of a lock whose wheels are there."""
    there = {
        re.sub(r"[-_.]+", "-", file.name.split("-")[0]).lower() for file in wheels.glob("*.whl")
    }
    blocks = re.split(r"\n(?=\S)", lock.strip())
    named = [(re.split(r"[\[=]", block)[0].lower(), block) for block in blocks]
    return "\n".join(block for name, block in named if re.sub(r"[-_.]+", "-", name) in there) + "\n"


def _write(out: Path, **plans: Any) -> None:
    for name, plan in plans.items():
        (out / f"{name}.json").write_text(json.dumps(plan, default=str))


if __name__ == "__main__":
    main()
