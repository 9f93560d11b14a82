"""A model with patched files, for a stack that cannot read it as pinned."""

import hashlib
import json
import re
from typing import Any

from roles.spec import Stack, Weights
from roles.spec.base import digest
from roles.weights.made import Held, Made, beside
from roles.weights.patch import Patch, Snapshot, needed, patched
from roles.weights.patch.edit import text

_CONFIG = "config.json"


def patches(weights: Weights, stack: Stack) -> tuple[Patch, ...]:
    """
    Return what has to be edited, decided from the ``config.json`` when that is on this machine.

    :raises PatchError: the model cannot run on the stack
    """
    said = _config(weights)
    return needed(Snapshot(json.loads(said), quantization(weights)), stack) if said else ()


def view(weights: Weights, stack: Stack, pinned: Held) -> Made | None:
    """
    Return the folder with the files as the stack reads them; ``None`` when that is as pinned.

    :raises PatchError: the model cannot run on the stack
    """
    wanted = patches(weights, stack)
    if not wanted:
        return None
    edit = _edited(_config(weights) or "", wanted)
    inputs = digest([weights.digest, edit["after"]])
    folder = beside(pinned, inputs)
    return Made(
        title=f"Patch {weights.name} for {stack.name}: {', '.join(one.name for one in wanted)}",
        state=f"is patched for {stack.name}",
        script="patch",
        name=weights.name,
        folder=folder,
        inputs=inputs,
        receipt=(f"patch-{weights.name}-{inputs[:12]}", digest([folder, inputs])),
        files={"files": [_with(edit, file) for file in pinned.files["files"]]},
        of=(pinned.receipt,),
        needs=len(edit["text"].encode()),
        given={
            "original": pinned.folder,
            "files": [file.path for file in weights.files],
            "patched": {_CONFIG: edit},
        },
    )


def quantization(weights: Weights) -> str | None:
    """
    Return what the name of msModelSlim's description says of its weights, as in ``W8A8S``; its
    content is on the host alone.
    """
    for file in weights.files:
        if said := re.fullmatch(r"quant_model_description_(\w+)\.json", file.path):
            return said[1].upper()
    return None


def _config(weights: Weights) -> str | None:
    file = weights.config_file
    return file.read_text() if file and file.is_file() else None


def _edited(before: str, wanted: tuple[Patch, ...]) -> dict[str, str]:
    after = text(patched(json.loads(before), *wanted))
    return {"text": after, "before": _sha256(before), "after": _sha256(after)}


def _with(edit: dict[str, str], file: dict[str, Any]) -> dict[str, Any]:
    if file["path"] != _CONFIG:
        return file
    return file | {"size": len(edit["text"].encode()), "sha256": edit["after"]}


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
