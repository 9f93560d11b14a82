"""What MindIE and the Atlas 300I DUO ask of a ``config.json``. Not tried on an NPU."""

from collections.abc import Iterator, Mapping
from typing import Any

from roles.spec import Engine, Stack
from roles.weights.patch.edit import ABSENT, Edit, Patch, PatchError

_HALF = "float16"
_QUANTIZED = ("w8a8", "w8a8s", "w8a8sc")


def half_precision(config: Mapping[str, Any], stack: Stack) -> Patch | None:
    """Say float16 wherever a data type is read, on chips without bfloat16."""
    if not any(installer.about.chip == "310p" for installer in stack.installers):
        return None
    edits = tuple(_halved(config))
    if not edits:
        return None
    return Patch(
        name="float16",
        reason="an Atlas 300I DUO has no bfloat16; the model's code reads text_config.dtype, "
        "the server reads torch_dtype",
        edits=edits,
    )


def _halved(config: Mapping[str, Any]) -> Iterator[Edit]:
    wanted = [("torch_dtype",), ("text_config", "dtype")]
    wanted += [("dtype",)] if "dtype" in config else []
    wanted += [("vision_config", "dtype")] if "dtype" in (config.get("vision_config") or {}) else []
    for path in wanted:
        holder: Any = config
        for key in path[:-1]:
            holder = holder.get(key)
            if not isinstance(holder, dict):
                break
        else:
            there = holder.get(path[-1], ABSENT)
            if there != _HALF:
                yield Edit(path=path, old=there, new=_HALF)


def quantization_said(config: Mapping[str, Any], stack: Stack, said: str | None) -> Patch | None:
    """
    Say how the weights are quantized, where MindIE reads it.

    :param said: what the weights' own description says, as in ``W8A8S``
    :raises PatchError: it is nothing that MindIE knows
    """
    if stack.engine is not Engine.MINDIE or config.get("quantize") or said is None:
        return None
    kind = said.lower()
    if kind not in _QUANTIZED:
        raise PatchError(
            f"the weights are {said}, MindIE takes {', '.join(_QUANTIZED)}; "
            "choose weights of one of these"
        )
    return Patch(
        name="quantize",
        reason='MindIE takes quantized weights for plain ones without "quantize", '
        "and stops with linear type not matched",
        edits=(Edit(path=("quantize",), old=config.get("quantize", ABSENT), new=kind),),
    )
