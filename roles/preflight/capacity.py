"""
What an instance needs of each device's memory, in numbers.

Everything is in GiB a device. An engine needs its weights, a reserve and a cache:

    weights = bytes of the *.safetensors / devices
    token   = 2 · layers · kv_heads/devices · head_dim · bytes a number   (keys and values)
    reserve = context + max(activations, vision tower)                    (tables/memory.yaml)

and gives the cache

    vLLM       utilization · total - weights - reserve      total: without what the driver reserves
    LMDeploy   cache_max_entry_count · (free - weights - reserve)
    MindIE     npu_mem_size, or 0.8 · total - weights - reserve
    Ollama     what is free, over all devices together          (ollama.py)

One request of the whole context has to fit into it.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

from roles.preflight import model as shapes
from roles.preflight import table
from roles.spec import (
    Instance,
    LmdeployOptions,
    MindieOptions,
    Model,
    OllamaOptions,
    Options,
    VllmOptions,
)

_GIB = 1 << 30
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_ROUND = 256  # tokens
_CONTEXT = {
    "vllm": "max_model_len",
    "vllm-ascend": "max_model_len",
    "lmdeploy": "session_len",
    "mindie": "max_seq_len",
}


@dataclass(frozen=True)
class Device:
    """
    Memory of one device, GiB.

    :param total: without what the driver reserves
    :param free: now, and what our own instances hold, since they are stopped first
    """

    called: str
    total: float
    free: float


@dataclass(frozen=True)
class Need:
    """
    What one device has to hold, GiB.

    :param token: one token of the cache; 0 when the model's shape is not known
    :param cache: the cache, where its size is set; -1 where the engine takes what is left
    """

    weights: float
    reserve: float
    token: float
    cache: int = -1

    @property
    def fixed(self) -> float:
        """All but the cache."""
        return self.weights + self.reserve


def needed(instance: Instance, devices: int) -> Need:
    """Return what each of ``devices`` has to hold; weights alone when no shape is known."""
    facts, model, options = table.read("memory"), instance.weights.model, instance.options
    files = instance.weights.files
    size = sum(one.size for one in files if one.path.endswith(".safetensors")) / _GIB
    cache = -1
    if isinstance(options, MindieOptions):
        cache = options.model_copy(update={"world_size": devices}).cache_gib(model)
    if model is None:
        return Need(weights=size / devices, reserve=0, token=0, cache=cache)
    size *= _converted(options, model)
    sees = model.vision and (options.images or options.videos)
    peak = max(facts["activation_gib"], facts["vision_gib"] if sees else 0)
    return Need(
        weights=size / devices,
        reserve=facts["context_gib"] + min(peak, size),
        token=token(model, options, devices),
        cache=cache,
    )


def token(model: Model, options: Options, devices: int) -> float:
    """Return GiB of one token's keys and values; heads are copied where devices are more."""
    pipeline = options.pipeline_parallel_size if isinstance(options, VllmOptions) else 1
    heads = math.ceil(model.kv_heads / max(1, devices // pipeline))
    layers = math.ceil(model.layers / pipeline)
    return 2 * layers * heads * model.head_dim * _cache_bytes(options, model) / _GIB


def room(options: Options, need: Need, device: Device) -> float:
    """Return what is left for the cache; below 0 what is missing before there is any."""
    match options:
        case VllmOptions():
            return options.gpu_memory_utilization * device.total - need.fixed
        case LmdeployOptions():
            return options.cache_max_entry_count * (device.free - need.fixed)
        case MindieOptions():
            if need.cache <= 0:
                return float(table.read("memory")["mindie_fraction"]) * device.total - need.fixed
            left = device.free - need.fixed - need.cache
            return left if left < 0 else need.cache
        case OllamaOptions():
            return device.free - need.fixed
        case _:
            assert_never(options)


def held(options: VllmOptions, device: Device) -> bool:
    """Say whether vLLM would stop at once: its share has to be free when it starts."""
    return startable(device) < options.gpu_memory_utilization * device.total


def startable(device: Device) -> float:
    """Return what an engine finds free, once CUDA has its own."""
    return device.free - float(table.read("memory")["context_gib"])


def fitting(instance: Instance, device: Device, devices: int) -> list[str]:
    """Return settings that would fit, each for itself."""
    options, ways = instance.options, []
    need = needed(instance, devices)
    left, request = room(options, need, device), need.token * options.context
    if need.token and left >= need.token * _ROUND:
        tokens = int(left / need.token) // _ROUND * _ROUND
        ways.append(f"{_CONTEXT[options.engine.value]} {tokens}")
    if isinstance(options, VllmOptions):
        share = math.ceil((need.fixed + request) / device.total * 100) / 100
        most = min(table.read("memory")["utilization"], startable(device) / device.total)
        if share <= most:
            ways.append(f"gpu_memory_utilization {share}")
    if isinstance(options, MindieOptions) and need.token:
        size = max(1, math.ceil(request))
        if size != need.cache and need.fixed + size <= device.free:
            ways.append(f"npu_mem_size {size}")
    if count := _devices(instance, device, devices):
        ways.append(f"{count} such devices")
    return ways


def _devices(instance: Instance, device: Device, devices: int) -> int | None:
    """Return how many devices like this one would hold the instance, as a power of two."""
    model, options = instance.weights.model, instance.options
    for count in (2, 4, 8, 16):
        if count <= devices or (model and not shapes.splits(model, count)):
            continue
        need = needed(instance, count)
        left = room(options, need, device)
        if left > 0 and left >= need.token * options.context:
            return count
    return None


def _converted(options: Options, model: Model) -> float:
    """How much larger weights get when they are loaded as another type."""
    if model.quantization or model.dtype not in _BYTES:
        return 1
    return _BYTES[_dtype(options, model)] / _BYTES[model.dtype]


def _dtype(options: Options, model: Model) -> str:
    if options.dtype != "auto":
        return options.dtype
    return model.dtype if model.dtype in ("float16", "bfloat16") else "float16"


def _cache_bytes(options: Options, model: Model) -> float:
    if isinstance(options, LmdeployOptions) and options.quant_policy:
        return options.quant_policy / 8
    if isinstance(options, VllmOptions) and _fp8_cache(options):
        return 1
    return _BYTES[_dtype(options, model)]


def _fp8_cache(options: VllmOptions) -> bool:
    words = [part for word in options.extra for part in word.split("=")]
    return any(
        flag.replace("_", "-") == "--kv-cache-dtype" and value.startswith("fp8")
        for flag, value in pairwise(words)
    )
