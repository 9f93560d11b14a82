"""A model on its devices: how it may be split, how long, and where Huawei's engines have it."""

import re
from collections.abc import Iterator
from typing import Any

from roles import weights
from roles.preflight import ascend, seen, table
from roles.preflight.engine import vision_language
from roles.preflight.reason import Reason
from roles.spec import Accelerator, Engine, HostSpec, Instance, Model, VllmOptions

_FLOAT16 = "float16"


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against each instance's model."""
    for instance in spec.instances:
        model = instance.weights.model
        if model is None:
            continue
        yield from _split(instance, model)
        yield from _context(instance, model)
        if spec.accelerator is Accelerator.ASCEND and vision_language(instance):
            yield from _on_ascend(instance, model, spec, found)


def size(model: Model) -> str | None:
    """Return which Qwen3-VL a model is, by its shape; ``None`` for another one."""
    known: dict[str, dict[str, Any]] = table.read("models")["qwen3_vl"]
    for name, shape in known.items():
        if (model.architecture, model.layers, model.hidden) == tuple(shape.values()):
            return name
    return None


def kinds(instance: Instance, spec: HostSpec, found: dict[str, Any]) -> list[str]:
    """Return what chips an instance is on; those of the host, until its own are seen."""
    chosen = seen.chosen(instance, spec, found).values()
    return sorted({str(device["kind"]) for device in chosen} or {*ascend.kinds_of(spec, found)})


def splits(model: Model, devices: int) -> bool:
    """Say whether heads can be shared out: key-value heads are copied where there are fewer."""
    return model.heads % devices == 0 and (
        model.kv_heads % devices == 0 or devices % model.kv_heads == 0
    )


def _split(instance: Instance, model: Model) -> Iterator[Reason]:
    devices = len(instance.devices) or 1
    if isinstance(instance.options, VllmOptions):
        # Of all its devices, those that share each layer.
        devices = instance.options.tensor_parallel_size
    # Ollama shares out layers, of which there are enough.
    if instance.options.COUNTS_DEVICES and not splits(model, devices):
        right = [str(n) for n in range(1, model.heads + 1) if splits(model, n)]
        yield Reason(
            code="tensor-parallel",
            path=f"instances/{instance.name}/options/{instance.options.COUNTS_DEVICES}",
            found=f"{devices} devices for {model.heads} heads and {model.kv_heads} key-value heads",
            wanted=f"a number that divides them: {', '.join(right)}",
            remedy="give the instance as many devices",
        )


def _context(instance: Instance, model: Model) -> Iterator[Reason]:
    options = instance.options
    if model.context and options.context > model.context:
        strict = options.engine in (Engine.VLLM, Engine.VLLM_ASCEND)
        yield Reason(
            code="context",
            path=f"instances/{instance.name}/options",
            found=f"a context of {options.context} tokens",
            wanted=f"{model.context} or less, for which the model was trained",
            remedy="lower it",
            refuses=strict,
        )


def _on_ascend(
    instance: Instance, model: Model, spec: HostSpec, found: dict[str, Any]
) -> Iterator[Reason]:
    for kind in kinds(instance, spec, found):
        if ascend.is_310p([kind]) and not _float16(instance, model):
            yield Reason(
                code="bfloat16",
                path=f"instances/{instance.name}/options/dtype",
                found=f"{_dtype(instance, model)} on {ascend.name_of(kind)}, "
                "which does not support bfloat16",
                wanted=_FLOAT16,
                remedy="set dtype to float16",
            )
        if instance.stack.engine is Engine.MINDIE:
            yield from _mindie(instance, model, kind)


def _dtype(instance: Instance, model: Model) -> str:
    asked = instance.options.dtype
    return model.dtype if asked == "auto" else asked


def _float16(instance: Instance, model: Model) -> bool:
    return _dtype(instance, model) == _FLOAT16


def _mindie(instance: Instance, model: Model, kind: str) -> Iterator[Reason]:
    rows: dict[str, dict[str, Any]] = table.read("models")["mindie"]
    name, path = size(model), f"instances/{instance.name}"
    if name is None or kind not in ("a2", "duo"):
        yield Reason(
            code="not-in-table",
            path=f"{path}/weights",
            found=f"{model.architecture} of {model.layers} layers on {ascend.name_of(kind)}",
            wanted=f"Qwen3-VL-{', '.join(rows)} on an Atlas 800I A2 or an Atlas 300I DUO",
            remedy="MindIE's documentation has no row for it, so it was not judged",
            refuses=False,
        )
        return
    row, chips = rows[name], len(instance.devices)
    if chips not in row["world_sizes"]:
        yield Reason(
            code="world-size",
            path=f"{path}/options/world_size",
            found=f"{chips} chips for Qwen3-VL-{name}",
            wanted=f"{' or '.join(map(str, row['world_sizes']))}; "
            "chips count, and an Atlas 300I DUO card has two",
            remedy=f"take {row['recommended']}, which Huawei recommends",
        )
    elif chips != row["recommended"]:
        yield Reason(
            code="world-size",
            path=f"{path}/options/world_size",
            found=f"{chips} chips for Qwen3-VL-{name}",
            wanted=f"{row['recommended']}, which Huawei recommends",
            remedy="it is supported all the same",
            refuses=False,
        )
    yield from _parts(instance)
    yield from _quantized(instance, model, kind, [*row[kind]], f"Qwen3-VL-{name}")


def _parts(instance: Instance) -> Iterator[Reason]:
    """Weights that were compressed elsewhere are for the chips that they were compressed for."""
    found = [re.match(r"part\d+-of-(\d+)/", file.path) for file in instance.weights.files]
    for parts in sorted({int(part[1]) for part in found if part} - {len(instance.devices)}):
        yield Reason(
            code="world-size",
            path=f"instances/{instance.name}/options/world_size",
            found=f"{len(instance.devices)} chips for {instance.weights.name}",
            wanted=f"{parts}, for which it was compressed",
            remedy="give the instance as many devices, or pin w8a8s and let the host compress it",
        )


def _quantized(
    instance: Instance, model: Model, kind: str, known: list[str], name: str
) -> Iterator[Reason]:
    if instance.compression and kind != "duo":
        return
    path = f"instances/{instance.name}/weights"
    described = weights.quantization(instance.weights)
    method = instance.compression or model.quantization or described
    says_so = "w8a8" in instance.weights.name.lower()
    if method is None and says_so:
        yield Reason(
            code="quantize-key",
            path=path,
            found=f"no quantize in the config.json of {instance.weights.name}",
            wanted='as in "quantize": "w8a8", without which MindIE reads them as floats',
            remedy="add it to the copy that the weights are pinned from",
        )
    if method and method.lower() not in known:
        compress = method.lower() == "w8a8s" and "w8a8sc" in known
        yield Reason(
            code="model-quantization",
            path=path,
            found=f"{method} of {name} on {ascend.name_of(kind)}",
            wanted=" or ".join(known) or "weights of 16 bits",
            remedy="w8a8s is not compressed yet: give the instance compression=w8a8sc"
            if compress
            else "choose weights of that kind"
            + ("; w8a8sc is for the Atlas 300I DUO alone" if method.lower() == "w8a8sc" else ""),
        )
