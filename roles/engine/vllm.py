"""vLLM: instance to start script, command line and environment."""

import json

from roles import templates
from roles.engine.file import File
from roles.spec import Accelerator, Instance, VllmOptions


def files(instance: Instance, options: VllmOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    start = templates.render(
        "engine/vllm-start.sh.j2",
        words=words(instance, options),
        python="stack/venv/bin/python",
    )
    variables = environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(text, "0644")}


def words(instance: Instance, options: VllmOptions) -> list[str]:
    """
    Return the command line after the stack's ``python``, but for the weights' folder, which the
    start script knows; the API key is not here, where everybody could read it.
    """
    limits = {"image": options.images, "video": options.videos}
    found = [
        *instance.stack.command,
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
    if options.enforce_eager:
        found += ["--enforce-eager"]
    return [*found, *options.extra]


def environment(instance: Instance, options: VllmOptions) -> dict[str, str]:
    """Return the variables of the server's process, none of them secret."""
    found = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    if instance.stack.accelerator is Accelerator.CPU:
        found["VLLM_CPU_KVCACHE_SPACE"] = str(options.kv_cache_gib or 1)
    else:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        found["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, instance.devices))
    return found | options.environment
