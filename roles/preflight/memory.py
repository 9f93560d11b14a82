"""Each instance's memory: does it fit its devices, and which setting would?"""

import math
from collections.abc import Iterator
from typing import Any

from roles.preflight import ollama, seen, table
from roles.preflight.capacity import Device, Need, fitting, held, needed, room, startable
from roles.preflight.reason import Reason
from roles.spec import (
    Accelerator,
    HostSpec,
    Instance,
    LmdeployOptions,
    MindieOptions,
    Model,
    OllamaOptions,
    Options,
    VllmOptions,
)

_MIB = 1 << 10  # in a GiB


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the memory of each instance's devices."""
    if spec.accelerator is Accelerator.CPU or not seen.devices(spec, found):
        return
    for instance in spec.instances:
        there = [
            memory_of(number, device, spec, found)
            for number, device in seen.chosen(instance, spec, found).items()
            if device["total_mib"] and device["free_mib"] is not None
        ]
        if there and len(there) == len(instance.devices):
            yield from judged(instance, there)
        if instance.weights.model is None:
            store = instance.weights.is_store
            yield Reason(
                code="no-model",
                path=f"instances/{instance.name}/weights/config",
                found="no config.json on this machine",
                wanted="what python -m roles.weights.gguf makes of the store"
                if store
                else "a copy of the one in the manifest",
                remedy="give it: weights alone were judged, no cache, heads or types",
                refuses=False,
            )


def memory_of(number: int, device: dict[str, Any], spec: HostSpec, found: dict[str, Any]) -> Device:
    """Return a device's memory; what our own instances hold there is free."""
    total = device["total_mib"] - (device.get("reserved_mib") or 0)
    strangers = seen.strangers(device, spec, found)
    own = [one for one in device["processes"] or () if one not in strangers]
    free = device["free_mib"] + sum(one["mib"] or 0 for one in own)
    if any(one["mib"] is None for one in own):
        # Ours is not told apart: all is, but for what others are known to hold.
        free = total - sum(one["mib"] or 0 for one in strangers)
    return Device(seen.called(number, device), total / _MIB, min(free, total) / _MIB)


def judged(instance: Instance, devices: list[Device]) -> Iterator[Reason]:
    """What speaks against an instance on these devices: the tightest of them decides."""
    options = instance.options
    if isinstance(options, OllamaOptions):
        yield from ollama.memory(instance, options, instance.weights.model, devices)
        return
    parts = len(devices) * (len(instance.across.ranks) if instance.across else 1)
    need = needed(instance, parts)
    device = min(devices, key=lambda one: room(options, need, one))
    left, request = room(options, need, device), need.token * options.context
    if left <= 0 or left < request:
        yield _too_small(instance, need, device, parts)
    elif request and (fit := int(left // request)) < options.concurrency:
        yield Reason(
            code="concurrency",
            path=f"instances/{instance.name}/options",
            found=f"a cache of {left:.1f} GiB, {fit} request(s) of {options.context} tokens",
            wanted=f"{options.concurrency} at once, as asked",
            remedy="the others wait; ask for fewer at once, or for a shorter context",
            refuses=False,
        )
    if isinstance(options, VllmOptions):
        yield from _held(instance, options, need, devices)
    if isinstance(options, MindieOptions) and (model := instance.weights.model):
        yield from _documented(instance, options, model)


def _too_small(instance: Instance, need: Need, device: Device, devices: int) -> Reason:
    request = need.token * instance.options.context
    parts = [f"weights {need.weights:.1f}"]
    if need.token:
        parts += [
            f"reserve {need.reserve:.1f} (estimate)",
            f"cache {request:.1f} for one request of {instance.options.context} tokens",
        ]
    ways = fitting(instance, device, devices)
    return Reason(
        code="memory",
        path=f"instances/{instance.name}/options",
        found=f"{_given(instance.options, need, device)} on {device.called}",
        wanted=f"{need.fixed + request:.1f} GiB a device: {', '.join(parts)}",
        remedy=f"{' or '.join(ways)} would fit"
        if ways
        else "choose larger devices, or a smaller or quantised model",
    )


def _given(options: Options, need: Need, device: Device) -> str:
    match options:
        case VllmOptions(gpu_memory_utilization=share):
            return f"{share * device.total:.1f} GiB, {share} of {device.total:.1f},"
        case LmdeployOptions(cache_max_entry_count=share):
            return f"{device.free:.1f} GiB free, {share} of what the model leaves for the cache,"
        case MindieOptions():
            cache = f", npu_mem_size {need.cache}," if need.cache > 0 else ""
            return f"{device.free:.1f} GiB free of {device.total:.1f}{cache}"
        case OllamaOptions():
            return f"{device.free:.1f} GiB free of {device.total:.1f}"


def _held(
    instance: Instance, options: VllmOptions, need: Need, devices: list[Device]
) -> Iterator[Reason]:
    """The share that vLLM asks for has to be free when it starts."""
    for device in devices:
        if not held(options, device):
            continue
        share = math.floor(startable(device) / device.total * 100) / 100
        fits = share * device.total - need.fixed >= max(need.token * options.context, 0.01)
        context = table.read("memory")["context_gib"]
        yield Reason(
            code="memory-held",
            path=f"instances/{instance.name}/options/gpu_memory_utilization",
            found=f"{device.free:.1f} GiB free of {device.total:.1f} on {device.called}",
            wanted=f"{options.gpu_memory_utilization * device.total:.1f} GiB, the share "
            f"{options.gpu_memory_utilization}, beside {context} for CUDA itself",
            remedy=f"gpu_memory_utilization {share} would fit, or stop what holds the rest"
            if fits
            else "stop what holds the rest, or name another device",
        )


def _documented(instance: Instance, options: MindieOptions, model: Model) -> Iterator[Reason]:
    """A whole prefill batch of full length has no room in a cache of the given size."""
    given, wanted = options.npu_mem_size or 0, options.documented(model)
    if 0 < given < wanted:
        yield Reason(
            code="npu-mem-size",
            path=f"instances/{instance.name}/options/npu_mem_size",
            found=f"{given} GiB",
            wanted=f"{wanted} GiB, by MindIE's formula for max_prefill_batch_size "
            f"{options.max_prefill_batch_size} and {options.max_seq_len} tokens each",
            remedy="lower max_prefill_batch_size, or let full batches wait",
            refuses=False,
        )
