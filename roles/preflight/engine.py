"""Engines: which of them can be started, what they can serve, what their options may not be."""

from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.engine import STARTED
from roles.preflight import table
from roles.preflight.reason import Reason
from roles.spec import (
    HostSpec,
    Instance,
    LmdeployOptions,
    MindieOptions,
    parser,
)


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against each instance's engine, whatever it runs on."""
    for instance in spec.instances:
        yield from _started(instance)
        yield from _serves(instance)
        yield from _words(instance)
        if isinstance(instance.options, LmdeployOptions):
            yield from _lmdeploy(instance, instance.options)
        if isinstance(instance.options, MindieOptions):
            yield from _mindie(instance, instance.options)


def vision_language(instance: Instance) -> bool:
    """Say whether an instance serves Qwen3-VL, by its ``config.json``."""
    model = instance.weights.model
    known: list[str] = table.read("models")["architectures"]
    return model is not None and model.architecture in known


def _started(instance: Instance) -> Iterator[Reason]:
    stack = instance.stack
    if stack.accelerator not in STARTED.get(stack.engine, ()):
        yield Reason(
            code="engine",
            path=f"instances/{instance.name}/stack",
            found=f"{stack.engine} on {stack.accelerator}",
            wanted=f"{_starts()}: what this release can start",
            remedy="put the stack into the host's ready_for: prepare.py makes the host ready for "
            "it; serving it comes with a later release",
        )


def _starts() -> str:
    return ", ".join(f"{engine} on {' or '.join(where)}" for engine, where in STARTED.items())


def _words(instance: Instance) -> Iterator[Reason]:
    """Further words of the command line were judged at load, where the version is known."""
    stack, extra = instance.stack, getattr(instance.options, "extra", ())
    if extra and parser.of(stack.engine, stack.version) is None:
        yield Reason(
            code="not-in-table",
            path=f"instances/{instance.name}/options/extra",
            found=f"{stack.engine} {stack.version}",
            wanted=f"one of {', '.join(parser.versions(stack.engine)) or 'another engine'}",
            remedy="whether it takes these words was not judged",
            refuses=False,
        )


def _serves(instance: Instance) -> Iterator[Reason]:
    """The first version of an engine that has the model's architecture."""
    since: str | None = table.read("models")["since"].get(instance.stack.engine.value)
    if since and vision_language(instance) and versions.older(instance.stack.version, since):
        yield Reason(
            code="model-engine",
            path=f"instances/{instance.name}/stack",
            found=f"{instance.stack.engine} {instance.stack.version}, which has no Qwen3-VL",
            wanted=f"{since} or newer",
            remedy="choose a newer stack",
        )


def _lmdeploy(instance: Instance, options: LmdeployOptions) -> Iterator[Reason]:
    """Of Qwen3-VL, LMDeploy has the PyTorch engine alone, and no quantised weights or cache."""
    if not vision_language(instance):
        return
    path = f"instances/{instance.name}/options"
    if options.backend == "turbomind":
        yield Reason(
            code="model-engine",
            path=f"{path}/backend",
            found="turbomind, which has no Qwen3-VL",
            wanted="pytorch",
            remedy="set it",
        )
    if options.quant_policy or options.model_format in ("awq", "gptq"):
        found = options.model_format or f"quant_policy {options.quant_policy}"
        yield Reason(
            code="model-quantization",
            path=path,
            found=f"{found} for Qwen3-VL",
            wanted="weights and cache of 16 bits, all that LMDeploy documents for it",
            remedy="leave it out",
        )


def _mindie(instance: Instance, options: MindieOptions) -> Iterator[Reason]:
    """Rules of MindIE's own start, in its own words, and of its documentation."""
    path = f"instances/{instance.name}/options"
    if options.max_prefill_tokens < options.max_input_token_len:
        yield _rule(
            f"{path}/max_prefill_tokens",
            f"maxPrefillTokens {options.max_prefill_tokens} "
            f"under maxInputTokenLen {options.max_input_token_len}",
            f"{options.max_input_token_len} or more: "
            "maxPrefillTokens should not be less than maxInputTokenLen",
        )
    if options.max_prefill_batch_size > options.max_batch_size:
        yield _rule(
            f"{path}/max_prefill_batch_size",
            f"maxPrefillBatchSize {options.max_prefill_batch_size} "
            f"over maxBatchSize {options.max_batch_size}",
            f"{options.max_batch_size} or less",
        )
    if options.npu_mem_size == 0:
        yield _rule(f"{path}/npu_mem_size", "npuMemSize 0", "-1, or 1 and more")
    model = instance.weights.model
    if options.npu_mem_size == -1 and (instance.weights.takes or (model and model.vision)):
        yield _rule(
            f"{path}/npu_mem_size",
            "npuMemSize -1 for a model with a vision tower, which it leaves no room",
            "a size in GiB",
        )
    if options.max_input_token_len >= options.max_seq_len:
        yield Reason(
            code="mindie-options",
            path=f"{path}/max_input_token_len",
            found=f"maxInputTokenLen {options.max_input_token_len} "
            f"in a maxSeqLen of {options.max_seq_len}",
            wanted="room for an answer",
            remedy="a prompt of that length gets none: lower it, or raise max_seq_len",
            refuses=False,
        )


def _rule(path: str, found: str, wanted: str) -> Reason:
    return Reason("mindie-options", path, found, wanted, "MindIE refuses to start: change it")
