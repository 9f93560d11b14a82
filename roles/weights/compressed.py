"""
A model compressed on its host, for the chips that will share it.

After the vendor's documentation and the compressor's source (MindIE-LLM,
``examples/convert/model_slim/sparse_compressor.py``). Not run on an NPU.
"""

from roles import paths
from roles.spec import Compression, Stack, Weights
from roles.spec.base import digest
from roles.weights.made import Held, Made, beside

FLOAT = ("chat_template.json", "preprocessor_config.json", "video_preprocessor_config.json")
"""What the compressor does not carry over, and a Qwen3-VL is not served without."""

DESCRIPTIONS = r"quant_model_description(_\w+)?\.json"
"""How msModelSlim's description of the weights is called, of which the compressor reads one."""


def compressed(
    compression: Compression,
    weights: Weights,
    stack: Stack,
    *,
    world_size: int,
    devices: tuple[int, ...],
    pinned: Held,
    source: Held,
) -> Made:
    """
    Return the folder of the compressed model.

    :param world_size: chips that share it; as many parts it has
    :param devices: chips that are taken for the work if they are idle
    :param source: what is compressed, patched or as pinned
    """
    words = [
        *("-m", "torch.distributed.run", "--nproc_per_node", str(world_size)),
        *("-m", "examples.convert.model_slim.sparse_compressor", "--multiprocess_num", "4"),
    ]
    inputs = digest([source.inputs, stack.digest, compression, world_size, words])
    folder = beside(pinned, inputs)
    chips = "1 chip" if world_size == 1 else f"{world_size} chips"
    needs = sum(file.size for file in weights.files if file.path.endswith(".safetensors"))
    phase = f"compress-{weights.name}-{inputs[:12]}"
    return Made(
        title=f"Compress {weights.name} for {chips} with {stack.name}",
        state=f"is compressed for {chips} with {stack.name}",
        script="compress",
        name=weights.name,
        folder=folder,
        inputs=inputs,
        receipt=(phase, digest([folder, inputs])),
        files={"kept": phase},
        # It shares no file: what it was made of may be fetched or patched anew.
        needs=needs,
        given={
            "original": source.folder,
            "python": f"{paths.stack(stack)}/venv/bin/python",
            "environment": paths.environment(stack),
            "words": words,
            "world_size": world_size,
            "devices": list(devices),
            "copied": list(FLOAT),
            "quantize": compression.value,
            "needs": needs,
        },
    )
