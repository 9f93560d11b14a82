"""Rotary positions as transformers 5 writes them, for engines that look where 4 did."""

from collections.abc import Mapping
from typing import Any

from roles import versions
from roles.spec import Engine, Stack
from roles.weights.patch.edit import ABSENT, Edit, Patch

_READERS = (Engine.VLLM, Engine.VLLM_ASCEND)
_READS_BOTH = "0.13.0"


def rope_copied(config: Mapping[str, Any], stack: Stack) -> Patch | None:
    """Say the rotary positions in the words of transformers 4 too, which older vLLM reads alone."""
    if stack.engine not in _READERS or not versions.older(stack.version, _READS_BOTH):
        return None
    text = config.get("text_config")
    if not isinstance(text, dict):
        return None
    said = text.get("rope_parameters")
    if not isinstance(said, dict) or text.get("rope_scaling"):
        return None
    scaling = {key: value for key, value in said.items() if key != "rope_theta"}
    wanted = {"rope_theta": said.get("rope_theta"), "rope_scaling": scaling}
    edits = [
        Edit(path=("text_config", key), old=text.get(key, ABSENT), new=value)
        for key, value in wanted.items()
        if value is not None and text.get(key, ABSENT) != value
    ]
    return Patch(
        name="rope-of-transformers-4",
        reason=f"vLLM {stack.version} reads rope_scaling alone; without it positions of images and "
        f"films are wrong and nothing says so; {_READS_BOTH} and newer read rope_parameters",
        edits=tuple(edits),
    )
