"""Ollama on GPUs: cards and drivers that it knows, and memory, which it would not say it lacks."""

import math
from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table
from roles.preflight.capacity import Device
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec, Instance, Model, OllamaOptions

_GIB = 1 << 30
# Bytes a number of the cache: blocks of 32 numbers with a scale of 16 bits.
_CACHE_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
_ROUND = 256  # tokens


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the cards of each instance of Ollama."""
    if spec.accelerator is not Accelerator.CUDA:
        return
    driver = seen.driver(spec, found)
    for instance in spec.instances:
        if isinstance(instance.options, OllamaOptions):
            for number, device in seen.chosen(instance, spec, found).items():
                yield from _card(instance, seen.called(number, device), device, driver)


def _card(
    instance: Instance, called: str, device: dict[str, Any], driver: str | None
) -> Iterator[Reason]:
    known, capability = table.read("engines")["ollama"], device["capability"]
    if not capability:
        return
    if versions.older(capability, known["capability"]):
        yield Reason(
            code="capability",
            path=f"instances/{instance.name}/devices",
            found=f"compute capability {capability} of {called}",
            wanted=f"{known['capability']} or newer for ollama",
            remedy="name another device",
        )
    old = not versions.older(known["old_card"], capability)
    if driver and old and versions.older(driver, known["old_card_driver"]):
        yield Reason(
            code="driver",
            path=f"instances/{instance.name}/devices",
            found=f"driver {driver} for compute capability {capability} of {called}",
            wanted=f"{known['old_card_driver']} or newer, which ollama asks for cards that old",
            remedy="give the host a newer driver",
        )


def memory(
    instance: Instance, options: OllamaOptions, model: Model | None, devices: list[Device]
) -> Iterator[Reason]:
    """
    Whether blobs and cache fit: what does not, Ollama leaves to the processor without a word.

    Every request that it works on at once has its cache from the start, and layers are shared out
    over the devices, so that all of their memory counts together.
    """
    facts, count = table.read("memory"), len(devices)
    files = instance.weights.files
    weights = sum(one.size for one in files if one.path.startswith("blobs/")) / _GIB
    reserve = (facts["context_gib"] + min(facts["activation_gib"], weights)) * count
    token = _token(options, model) if model else 0.0
    cache = token * options.context * options.num_parallel
    free = sum(device.free for device in devices)
    if weights + reserve + cache <= free:
        return
    names = " and ".join(device.called for device in devices)
    parts = [f"weights {weights:.1f}", f"reserve {reserve:.1f} (estimate)"]
    if model:
        parts.append(
            f"cache {cache:.1f} for {options.num_parallel} request(s) of {options.context} tokens"
        )
    yield Reason(
        code="memory",
        path=f"instances/{instance.name}/options",
        found=f"{free:.1f} GiB free on {names}",
        wanted=f"{weights + reserve + cache:.1f} GiB: {', '.join(parts)}; "
        "the rest would run on the processor",
        remedy=_remedy(options, left=free - weights - reserve, token=token),
    )


def _token(options: OllamaOptions, model: Model) -> float:
    """Return GiB of one token's keys and values, of all layers."""
    numbers = 2 * model.layers * model.kv_heads * model.head_dim
    return numbers * _CACHE_BYTES[options.kv_cache_type] / _GIB


def _remedy(options: OllamaOptions, *, left: float, token: float) -> str:
    ways = []
    if token and left >= token * _ROUND:
        tokens = math.floor(left / token / options.num_parallel) // _ROUND * _ROUND
        ways += [f"context_length {tokens}"] if tokens else []
        fit = math.floor(left / (token * options.context))
        ways += [f"num_parallel {fit}"] if 0 < fit < options.num_parallel else []
    larger = "choose larger or more devices, or a smaller model"
    return f"{' or '.join(ways)} would fit" if ways else larger
