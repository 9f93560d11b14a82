"""Keys of quantized exports that older compressed-tensors refuse."""

from collections.abc import Iterator, Mapping
from typing import Any

from roles import versions
from roles.weights.patch.edit import ABSENT, Edit, Patch, PatchError

_KEYS = ("scale_dtype", "zp_dtype")
_KNOWS_THEM = "0.13.0"


def keys_dropped(config: Mapping[str, Any], pins: Mapping[str, str]) -> Patch | None:
    """
    Drop ``scale_dtype`` and ``zp_dtype`` where they are null and the pinned library refuses them.

    :raises PatchError: one is not null, so that dropping it would change the numbers
    """
    installed = pins.get("compressed-tensors")
    if installed is None or not versions.older(installed, _KNOWS_THEM):
        return None
    edits = []
    for path, value in _found(config.get("quantization_config"), ("quantization_config",)):
        if value is not None:
            raise PatchError(
                f"{'.'.join(path)} is {value!r}, which compressed-tensors {installed} does not "
                "know and which cannot be dropped; choose a stack with vLLM 0.14.0 or newer"
            )
        edits.append(Edit(path=path, old=None, new=ABSENT))
    if not edits:
        return None
    return Patch(
        name="compressed-tensors-keys",
        reason=f"compressed-tensors {installed} refuses keys that it does not know; "
        f"{_KNOWS_THEM} (vLLM 0.14.0) and newer know them",
        edits=tuple(edits),
    )


def _found(holder: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every such key at any depth: groups have any names, weights and activations have both."""
    if isinstance(holder, dict):
        for key, value in holder.items():
            if key in _KEYS:
                yield (*path, key), value
            else:
                yield from _found(value, (*path, key))
