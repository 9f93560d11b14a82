"""vLLM: instance to start script, command line and environment."""

import json

from roles import paths, templates
from roles.engine.file import File
from roles.spec import Accelerator, Instance, Stack, VllmOptions, parser

# Seconds that a server which is told to stop lets answers finish, within its unit's 30. What was in
# flight at an activation was waited for before; this is for a stop by hand and a reboot.
_SHUTDOWN_S = 10
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
"""Nothing that the server does asks the internet."""


def files(instance: Instance, options: VllmOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    cuda = instance.stack.accelerator is Accelerator.CUDA
    start = templates.render(
        "engine/vllm-start.sh.j2",
        python="stack/venv/bin/python",
        command=instance.stack.command,
        # Which of several hosts it is, the host itself finds out.
        together=f"{paths.script('rank')} start {instance.name}" if instance.across else "",
        model=named(instance.stack),
        words=words(instance, options),
        devices=instance.devices if cuda else (),
    )
    variables = environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(text, "0644")}


def named(stack: Stack) -> str:
    """``vllm serve`` wants the model before all options, the module wants it named."""
    return "" if stack.command[-1] == "serve" else "--model "


def words(instance: Instance, options: VllmOptions) -> list[str]:
    """
    Return the options of the command line; the weights' folder is known to the start script, and
    the API key is not here, where everybody could read it.
    """
    limits = {"image": options.images, "video": options.videos}
    found = [
        "--host", str(instance.address),
        "--port", str(instance.port),
        "--served-model-name", instance.served_as,
        "--dtype", options.dtype,
        "--max-model-len", str(options.max_model_len),
        "--max-num-seqs", str(options.max_num_seqs),
        "--tensor-parallel-size", str(options.tensor_parallel_size),
        "--limit-mm-per-prompt", json.dumps(limits),
    ]  # fmt: skip
    if instance.stack.accelerator is not Accelerator.CPU:
        found += ["--gpu-memory-utilization", str(options.gpu_memory_utilization)]
    if options.pipeline_parallel_size > 1:
        found += ["--pipeline-parallel-size", str(options.pipeline_parallel_size)]
    if across := instance.across:
        found += ["--nnodes", str(len(across.ranks))]
        found += ["--master-addr", str(across.head.address), "--master-port", str(across.port)]
    if options.enforce_eager:
        found += ["--enforce-eager"]
    taken = parser.of(instance.stack.engine, instance.stack.version)
    if taken and "--shutdown-timeout" in taken.flags:
        found += ["--shutdown-timeout", str(_SHUTDOWN_S)]
    return [*found, *options.extra]


def environment(instance: Instance, options: VllmOptions) -> dict[str, str]:
    """Return the variables of the server's process, none of them secret."""
    found = dict(OFFLINE)
    if instance.stack.accelerator is Accelerator.CPU:
        found["VLLM_CPU_KVCACHE_SPACE"] = str(options.kv_cache_gib or 1)
    else:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return found | options.environment
