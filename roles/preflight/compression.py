"""Weights that a host compresses: what the compressor wants of stack, weights and chips."""

import re
from collections.abc import Iterator
from typing import Any

from roles import weights
from roles.preflight import ascend
from roles.preflight import model as models
from roles.preflight.reason import Reason
from roles.spec import HostSpec, InstallerKind, Instance

# What examples/convert/model_slim/sparse_compressor.py imports.
_IMPORTED = ("msmodelslim", "torch", "torch-npu")
_FROM = "w8a8s"


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against compressing the weights of each instance that wants it."""
    for instance in spec.instances:
        if instance.compression:
            yield from _chips(instance, spec, found)
            yield from _tool(instance)
            yield from _files(instance)
            yield from _quantized(instance)


def _chips(instance: Instance, spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    for kind in models.kinds(instance, spec, found):
        if kind == "duo":
            continue
        yield Reason(
            code="compression-chip",
            path=f"instances/{instance.name}/compression",
            found=f"{instance.compression} on {ascend.name_of(kind)}",
            wanted="an Atlas 300I DUO, which alone reads it",
            remedy="leave it out, and choose weights for this chip",
        )


def _tool(instance: Instance) -> Iterator[Reason]:
    stack, path = instance.stack, f"instances/{instance.name}/stack"
    if not stack.installer(InstallerKind.ATB_MODELS):
        yield Reason(
            code="compression-tool",
            path=path,
            found=f"no {InstallerKind.ATB_MODELS} in {stack.name}",
            wanted="those of MindIE's version, which bring the compressor",
            remedy="add Ascend-mindie-atb-models to its installers",
        )
    missing = [name for name in _IMPORTED if name not in stack.lock.pins]
    if missing:
        yield Reason(
            code="compression-tool",
            path=path,
            found=f"no {', '.join(missing)} in the lock of {stack.name}",
            wanted=f"{', '.join(_IMPORTED)}, which the compressor imports",
            remedy="make the lock with them",
        )


def _files(instance: Instance) -> Iterator[Reason]:
    path = f"instances/{instance.name}/weights"
    paths = [file.path for file in instance.weights.files]
    missing = [name for name in weights.FLOAT if name not in paths]
    if missing:
        yield Reason(
            code="compression-files",
            path=path,
            found=f"no {', '.join(missing)} in {instance.weights.name}",
            wanted="all that a compressed Qwen3-VL is served with",
            remedy="take them from the float model, and pin the folder with them in it",
        )
    if not any(re.fullmatch(weights.DESCRIPTIONS, path) for path in paths):
        yield Reason(
            code="compression-files",
            path=path,
            found=f"no quant_model_description*.json in {instance.weights.name}",
            wanted=f"weights of {_FROM} with msModelSlim's description",
            remedy="choose weights that msModelSlim made",
        )
    if instance.weights.model is None:
        yield Reason(
            code="compression-files",
            path=f"{path}/config",
            found=f"no config.json of {instance.weights.name} on this machine",
            wanted="a copy, by which float16 and the quantization are seen and set",
            remedy="give the weights their config, as deploy/pin.py does",
        )


def _quantized(instance: Instance) -> Iterator[Reason]:
    model = instance.weights.model
    said = (model and model.quantization) or weights.quantization(instance.weights)
    if said and said.lower() != _FROM:
        yield Reason(
            code="model-quantization",
            path=f"instances/{instance.name}/weights",
            found=f"{said.lower()}, to be compressed to {instance.compression}",
            wanted=_FROM,
            remedy="choose weights of that kind; what is compressed already is served as it is",
        )
