"""vLLM on Ascend: what its plugin has for a chip and a model, and what it wants to be told."""

import json
from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import ascend, modelslim, seen, table
from roles.preflight import model as models
from roles.preflight.engine import vision_language
from roles.preflight.reason import Reason
from roles.spec import (
    Accelerator,
    Engine,
    HostSpec,
    InstallerKind,
    Instance,
    Lock,
    Stack,
    VllmOptions,
    parser,
)


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against each stack of vllm-ascend, and against each instance of one."""
    if spec.accelerator is not Accelerator.ASCEND:
        return
    for stack in spec.stacks:
        if stack.engine is Engine.VLLM_ASCEND and ascend.is_310p(ascend.kinds_of(spec, found)):
            yield from _wheels(stack, seen.where(stack, spec))
    for instance in spec.instances:
        options = instance.options
        if instance.stack.engine is not Engine.VLLM_ASCEND or not isinstance(options, VllmOptions):
            continue
        kinds = models.kinds(instance, spec, found)
        taken = parser.of(instance.stack.engine, instance.stack.version)
        words = taken.given(options.extra) if taken else None
        yield from _supported(instance, kinds)
        yield from modelslim.reasons(instance, words, on_310p=ascend.is_310p(kinds))
        if ascend.is_310p(kinds) and not options.enforce_eager:
            yield from _graphs(instance, words)


def _wheels(stack: Stack, path: str) -> Iterator[Reason]:
    """What of a lock is not for a 310P."""
    built: list[str] = table.read("ascend")["vllm_ascend_built_for_a2"]
    if isinstance(stack.lock, Lock) and any(sha256 in stack.lock.text for sha256 in built):
        yield Reason(
            code="chip",
            path=path,
            found=f"the package index's wheel of vllm-ascend {stack.version}, "
            "which is built for an Atlas 800I A2",
            wanted="one built with SOC_VERSION=ascend310p1",
            remedy="lock one of your own: this one ends with device type … does not match the "
            "installed version's device type",
        )
    there = [name for name in ("triton", "triton-ascend") if name in stack.lock.pins]
    if there:
        yield Reason(
            code="triton",
            path=path,
            found=f"{' and '.join(there)} in the lock",
            wanted="neither, an Atlas 300I supports none",
            remedy="leave them out by the overrides, and make the lock anew",
        )


def _supported(instance: Instance, kinds: list[str]) -> Iterator[Reason]:
    """The first version that has a model on a chip."""
    model = instance.weights.model
    if model is None or not vision_language(instance):
        return
    rows: dict[str, dict[str, str]] = table.read("models")["vllm_ascend"]
    row = "dense" if not model.experts else models.size(model) or model.architecture
    for kind in kinds:
        since = rows.get(kind, {}).get(row)
        if since and versions.older(instance.stack.version, since):
            yield Reason(
                code="model-engine",
                path=f"instances/{instance.name}/stack",
                found=f"vllm-ascend {instance.stack.version} for Qwen3-VL on "
                f"{ascend.name_of(kind)}",
                wanted=f"{since} or newer",
                remedy="choose a newer stack",
            )
        if since is None and (kind != "a2" or model.experts):
            yield Reason(
                code="not-in-table",
                path=f"instances/{instance.name}/weights",
                found=f"{row} Qwen3-VL on {ascend.name_of(kind)}",
                wanted="a row of vllm-ascend's table of supported models",
                remedy="it may work",
                refuses=False,
            )


def _graphs(instance: Instance, words: dict[str, str] | None) -> Iterator[Reason]:
    """What a 310P has of graphs: one mode, from one CANN on, without npugraph_ex."""
    facts, path = table.read("ascend"), f"instances/{instance.name}/options"
    toolkit = instance.stack.installer(InstallerKind.TOOLKIT)
    if toolkit and versions.older(toolkit.about.version, facts["duo_graphs"]):
        yield Reason(
            code="enforce-eager",
            path=f"{path}/enforce_eager",
            found=f"graphs with CANN {toolkit.about.version} on an Atlas 300I DUO",
            wanted=f"enforce_eager, or CANN {facts['duo_graphs']} or newer",
            remedy="set enforce_eager",
        )
        return
    if words is None:
        return
    mode = facts["duo_graph_mode"]
    if _told(words, "--compilation-config", "cudagraph_mode") != mode:
        yield Reason(
            code="graph-mode",
            path=f"{path}/extra",
            found="graphs of another mode on an Atlas 300I DUO",
            wanted=f'--compilation-config \'{{"cudagraph_mode": "{mode}", …}}\', all that it has',
            remedy="add it with a few cudagraph_capture_sizes, or set enforce_eager",
        )
    alone = not versions.older(instance.stack.version, facts["duo_without_npugraph_ex"])
    name = "--additional-config"
    if not alone and _told(words, name, "ascend_compilation_config", "enable_npugraph_ex"):
        yield Reason(
            code="graph-mode",
            path=f"{path}/extra",
            found="npugraph_ex, which an Atlas 300I DUO does not support",
            wanted=f'{name} \'{{"ascend_compilation_config": {{"enable_npugraph_ex": false}}}}\'',
            remedy=f"add it; {facts['duo_without_npugraph_ex']} and newer leave it out themselves",
            refuses=False,
        )


def _told(words: dict[str, str], flag: str, *keys: str) -> Any:
    """Return what JSON behind an option says, or words with a dot do; ``True`` for nothing."""
    dotted = words.get(".".join([flag, *keys]))
    found: Any = json.loads(words.get(flag) or "{}")
    for key in keys:
        found = found.get(key, True) if isinstance(found, dict) else True
    return {"true": True, "false": False}.get(dotted, dotted) if dotted else found
