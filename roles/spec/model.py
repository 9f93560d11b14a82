"""What a model's ``config.json`` says: enough to tell where it runs and what it needs."""

import json
from typing import Any, NamedTuple


class Model(NamedTuple):
    """
    A model's shape. Sizes are those of the text part, where the key-value cache is.

    :param architecture: as in ``Qwen3VLForConditionalGeneration``
    :param head_dim: numbers a head
    :param dtype: of the weights, as in ``bfloat16``
    :param context: tokens that it was trained for
    :param quantization: method of ``quantization_config``, or MindIE's ``quantize``
    :param experts: of a mixture; 0 for a dense model
    :param vision: whether it has a vision tower
    :param patch: pixels a side of what becomes one token of an image, after merging
    """

    architecture: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    dtype: str
    context: int
    quantization: str | None
    experts: int
    vision: bool
    patch: int


def model_from(config: str) -> Model:
    """
    Read a ``config.json`` of transformers.

    :raises ValueError: it is no JSON, or says not enough
    """
    found = json.loads(config)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    text = found.get("text_config") or found
    vision = found.get("vision_config") or {}
    try:
        heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
        return Model(
            architecture=str(found["architectures"][0]),
            layers=int(text["num_hidden_layers"]),
            hidden=hidden,
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            dtype=_dtype(found, text),
            context=int(text.get("max_position_embeddings") or 0),
            quantization=_quantization(found, text),
            experts=int(text.get("num_experts") or 0),
            vision=bool(vision),
            patch=int(vision.get("patch_size") or 0) * int(vision.get("spatial_merge_size") or 1),
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _dtype(found: dict[str, Any], text: dict[str, Any]) -> str:
    for config in (text, found):
        for key in ("dtype", "torch_dtype"):
            if config.get(key):
                return str(config[key])
    return "float32"


def _quantization(found: dict[str, Any], text: dict[str, Any]) -> str | None:
    for config in (found, text):
        method = (config.get("quantization_config") or {}).get("quant_method")
        if method or config.get("quantize"):
            return str(method or config["quantize"])
    return None
