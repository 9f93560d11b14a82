"""The platform: what it adds to vLLM's command line, and what it wants before a model is loaded."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from tests.standins.mindie.daemon import chips
from tests.standins.openai.server.errors import StartError

DESCRIPTION = "quant_model_description.json"
_KINDS = {"310P": "_310P", "910B": "A2"}
_MIB = 1024


class NPUPlatform:
    """What vLLM calls; one process here takes every chip."""

    @classmethod
    def pre_register_and_update(cls, parser: argparse.ArgumentParser) -> None:
        """Let ``--quantization ascend`` be said."""
        (action,) = [one for one in parser._actions if one.dest == "quantization"]
        action.choices = [*(action.choices or ()), "ascend"]

    @classmethod
    def check_and_update_config(cls, wanted: argparse.Namespace) -> None:
        """Refuse what does not go together, and take the chips."""
        try:
            importlib.import_module("torch_npu")
        except ImportError as error:
            raise StartError(f"ImportError: {error}") from None
        _quantised(wanted)
        for device in range(wanted.tensor_parallel_size):
            number = chips.logic(device)
            opened = chips.take(number)
            _built_for(chips.name(number), wanted)
            chips.allocate(number, opened, _MIB, called="VLLM::Worker_TP")
        _sharded(wanted)


def _quantised(wanted: argparse.Namespace) -> None:
    described = (Path(wanted.model) / DESCRIPTION).is_file()
    if wanted.quantization == "ascend" and not described:
        raise StartError(
            "ValueError: \nERROR: ModelSlim Quantization Config Not Found\n"
            "You have enabled '--quantization ascend' (ModelSlim quantization),\n"
            f"but the model '{wanted.model}' does not contain the required\n"
            f"quantization config file ('{DESCRIPTION}')."
        )


def _built_for(name: str, wanted: argparse.Namespace) -> None:
    """The plugin is built for one kind of chip, and a 310P has no bfloat16."""
    from . import _build_info  # type: ignore[attr-defined]  # its wheel brings it

    kind = next(kind for begin, kind in _KINDS.items() if name.startswith(begin))
    if kind != _build_info.__device_type__:
        raise StartError(
            f"AssertionError: Current device type: AscendDeviceType.{kind} does not match the "
            f"installed version's device type: AscendDeviceType.{_build_info.__device_type__}, "
            "please check your installation package."
        )
    if kind == "_310P" and _dtype(wanted) != "float16":
        # That it fails is documented, in which words it does is not.
        raise StartError(f"RuntimeError: 310P does not support {_dtype(wanted)}")


def _dtype(wanted: argparse.Namespace) -> str:
    if wanted.dtype != "auto":
        return {"half": "float16", "float": "float32"}.get(wanted.dtype, str(wanted.dtype))
    config: dict[str, Any] = json.loads((Path(wanted.model) / "config.json").read_text())
    text = config.get("text_config") or config
    return str(text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype"))


def _sharded(wanted: argparse.Namespace) -> None:
    """What every rank saved is loaded by as many ranks."""
    if wanted.load_format != "sharded_state":
        return
    for rank in range(wanted.tensor_parallel_size):
        pattern = f"{wanted.model}/model-rank-{rank}-part-*.safetensors"
        if not list(Path(wanted.model).glob(Path(pattern).name)):
            raise StartError(
                f"ValueError: Could not find checkpoint files '{pattern}', only pre-sharded "
                "checkpoints are currently supported!"
            )
