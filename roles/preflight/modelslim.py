"""Weights that msModelSlim quantised, or another did, as vllm-ascend reads them."""

import re
from collections.abc import Iterator

from roles import versions, weights
from roles.preflight import table
from roles.preflight.reason import Reason
from roles.spec import Instance
from roles.spec.weights import DESCRIPTION

_ON_310P_ALONE = ("w8a8s", "w8a8sc")
_SHARD = re.compile(r"model-rank-(\d+)-part-\d+\.safetensors")
_SHARDED = "sharded_state"


def reasons(instance: Instance, words: dict[str, str] | None, *, on_310p: bool) -> Iterator[Reason]:
    """
    What speaks against an instance's weights.

    :param words: further options of the command line; ``None`` where nobody knows what it takes
    """
    yield from _method(instance, on_310p=on_310p)
    if words is not None:
        yield from _told(instance, words)
        yield from _shards(instance, words)


def _method(instance: Instance, *, on_310p: bool) -> Iterator[Reason]:
    """How the weights are quantised, by their files' names or else by ``config.json``."""
    model = instance.weights.model
    said = weights.quantization(instance.weights) or (model and model.quantization) or ""
    # What is in config.json beside a description is MindIE's to read.
    method, described = said.lower(), instance.weights.described
    path = f"instances/{instance.name}/weights"
    if method in _ON_310P_ALONE and not on_310p:
        yield _unfit(
            path, f"{method} on an Atlas 800I A2", "w8a8: that one is for Atlas 300I alone"
        )
    elif re.match(r"w\d+a\d+", method) and not described:
        yield _unfit(
            path,
            f"{method} without {DESCRIPTION}",
            "that file, without which vllm-ascend reads them as floats",
        )
    elif method and not described:
        row = table.read("ascend")["vllm_ascend"].get(instance.stack.version, {})
        known = ["ascend"] if on_310p else row.get("quantizations", [method])
        if method not in known:
            yield _unfit(path, method, f"16 bits, or one of {', '.join(known)}")


def _told(instance: Instance, words: dict[str, str]) -> Iterator[Reason]:
    """Older versions do not look for a description unless they are told that there is one."""
    since = table.read("ascend")["sees_quantization"]
    unseen = versions.older(instance.stack.version, since)
    if instance.weights.described and unseen and "--quantization" not in words:
        yield _extra(
            instance,
            f"no --quantization for weights with {DESCRIPTION}",
            "--quantization ascend",
            f"add it; {since} and newer see it themselves",
        )


def _shards(instance: Instance, words: dict[str, str]) -> Iterator[Reason]:
    """What one process for each chip saved is loaded by as many, and in no other way."""
    files = (_SHARD.fullmatch(file.path) for file in instance.weights.files)
    ranks = {shard[1] for shard in files if shard}
    given = words.get("--load-format")
    if (given == _SHARDED) is not bool(ranks):
        yield _extra(
            instance,
            f"--load-format {given or 'auto'} for weights "
            f"{'of' if ranks else 'without'} model-rank-0-part-0.safetensors",
            f"--load-format {_SHARDED}" if ranks else "no --load-format",
            "set it" if ranks else "leave it out, or pin weights that were saved by rank",
        )
    elif ranks and len(ranks) != len(instance.devices):
        yield Reason(
            code="world-size",
            path=f"instances/{instance.name}/options/tensor_parallel_size",
            found=f"{len(instance.devices)} chips for weights of {len(ranks)} ranks",
            wanted=f"{len(ranks)}, for which they were compressed",
            remedy="give the instance as many devices, or compress the weights for its own",
        )


def _unfit(path: str, found: str, wanted: str) -> Reason:
    return Reason("model-quantization", path, found, wanted, "choose weights of that kind")


def _extra(instance: Instance, found: str, wanted: str, remedy: str) -> Reason:
    path = f"instances/{instance.name}/options/extra"
    return Reason("model-quantization", path, found, wanted, remedy)
