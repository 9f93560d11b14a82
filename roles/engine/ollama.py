"""Ollama: instance to start script and environment."""

from roles import templates
from roles.engine.file import File
from roles.spec import Accelerator, Instance, OllamaOptions


def files(instance: Instance, options: OllamaOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    start = templates.render("engine/ollama-start.sh.j2", words=instance.stack.command)
    variables = environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(text, "0644")}


def environment(instance: Instance, options: OllamaOptions) -> dict[str, str]:
    """Return the variables of the server's process: all that it can be told."""
    found = {
        # With a scheme before it, a port that is left out would be 80.
        "OLLAMA_HOST": instance.endpoint,
        "OLLAMA_CONTEXT_LENGTH": str(options.context_length),
        "OLLAMA_NUM_PARALLEL": str(options.num_parallel),
        "OLLAMA_KEEP_ALIVE": options.keep_alive,
        "OLLAMA_LOAD_TIMEOUT": options.load_timeout,
        "OLLAMA_MAX_LOADED_MODELS": str(options.max_loaded_models),
        "OLLAMA_MAX_QUEUE": str(options.max_queue),
        "OLLAMA_KV_CACHE_TYPE": options.kv_cache_type,
        "OLLAMA_SCHED_SPREAD": str(int(options.sched_spread)),
        "OLLAMA_NO_CLOUD": "1",
        # The store is shared and read-only: it could not be pruned, and the start would fail.
        "OLLAMA_NOPRUNE": "1",
    }
    if options.flash_attention is not None:
        found["OLLAMA_FLASH_ATTENTION"] = str(int(options.flash_attention))
    if instance.stack.accelerator is Accelerator.CPU:
        # A number that no GPU has: whatever is plugged in, it is not touched.
        found["CUDA_VISIBLE_DEVICES"] = "-1"
    else:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        found["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, instance.devices))
    return found | options.environment
