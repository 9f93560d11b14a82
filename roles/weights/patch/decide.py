"""Which patches a model needs on a stack: decided from its files, in one place."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.spec import Stack
from roles.weights.patch.ascend import half_precision, quantization_said
from roles.weights.patch.compressed import keys_dropped
from roles.weights.patch.edit import Patch, PatchError
from roles.weights.patch.rope import rope_copied


@dataclass(frozen=True)
class Snapshot:
    """
    What of a model's files decides about patches.

    :param config: ``config.json``
    :param quantization: how the weights are quantized, as msModelSlim's description says it
    """

    config: dict[str, Any]
    quantization: str | None = None

    @classmethod
    def of(cls, folder: Path) -> "Snapshot":
        """
        Read a folder.

        :raises PatchError: it has no readable ``config.json``
        """
        return cls(config=_read(folder / "config.json"), quantization=_described(folder))


def needed(snapshot: Snapshot, stack: Stack) -> tuple[Patch, ...]:
    """
    Return the patches that a model needs on a stack, in the order in which they are done.

    :raises PatchError: it cannot run there, patched or not
    """
    found = (
        keys_dropped(snapshot.config, stack.lock.pins),
        rope_copied(snapshot.config, stack),
        half_precision(snapshot.config, stack),
        quantization_said(snapshot.config, stack, snapshot.quantization),
    )
    return tuple(patch for patch in found if patch)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except OSError as error:
        raise PatchError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PatchError(f"{file} is no JSON ({error}); fetch it again") from error
    if not isinstance(found, dict):
        raise PatchError(f"{file} is no JSON object; fetch it again")
    return found


def _described(folder: Path) -> str | None:
    for file in sorted(folder.glob("quant_model_description*.json")):
        said = _read(file).get("model_quant_type")
        if said:
            return str(said)
        if named := re.fullmatch(r"quant_model_description_(\w+)\.json", file.name):
            return named[1].upper()
    return None
