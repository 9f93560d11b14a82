"""
Print the ``config.json`` of an instance of MindIE, made of one that some version ships:
``python -m roles.engine.mindie_config FILE INSTANCE.json``.

FILE is the installed one. INSTANCE.json describes the instance:

.. code:: json

    {"options": {"world_size": 2, "max_seq_len": 10240}, "devices": [0, 1], "port": 1025,
     "model": "qwen3-vl", "weights": "/srv/weights/qwen3-vl-8b", "config": "config.json"}

where ``options`` are those of ``MindieOptions``, and ``config`` is the model's own ``config.json``
on this machine, by which ``npuMemSize`` is computed. ``address`` and ``version`` (MindIE's; told by
the keys of FILE unless given) may be there too. Nothing is written, no host is asked.
"""

import json
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyAddress

from roles.engine.mindie_settings import judged, wanted
from roles.hostside import mindie_edit
from roles.spec import Fault, MindieOptions, Model, Spec
from roles.spec.base import RemotePath, spelled
from roles.spec.model import model_from

_MEMORY = "BackendConfig.ModelDeployConfig.ModelConfig.0.npuMemSize"

_Version = Annotated[str, spelled(r"\d+(\.\w+)+", "should be a version such as 3.0.0")]


class Described(Spec):
    """
    An instance as INSTANCE.json has it.

    :param model: the name that clients ask for
    :param weights: the folder that MindIE reads
    :param config: the model's ``config.json`` on this machine
    :param version: MindIE's
    """

    options: MindieOptions = MindieOptions()
    devices: tuple[int, ...]
    address: IPvAnyAddress = IPv4Address("127.0.0.1")
    port: int = Field(ge=1024, le=65535)
    model: str
    weights: RemotePath
    config: Path | None = None
    version: _Version | None = None

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if len(self.devices) != self.options.world_size:
            yield Fault(
                path="options/world_size",
                wrong=f"is {self.options.world_size} on {len(self.devices)} device(s)",
                right="should equal the number of devices",
            )


class UsageError(Exception):
    """The words of the command line lead nowhere; the message says what would be right."""


def main(words: list[str]) -> int:
    """Return 0 when the file was printed, 1 when MindIE would refuse it, 2 for wrong words."""
    if len(words) != 2:
        print("usage: python -m roles.engine.mindie_config FILE INSTANCE.json", file=sys.stderr)
        return 2
    try:
        file, described = _text(words[0]), _described(words[1])
        shape = _shape(described)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    asked = wanted(
        described.options,
        address=str(described.address),
        port=described.port,
        model=described.model,
        weights=described.weights,
        shape=shape,
    )
    try:
        edited = mindie_edit.edited(mindie_edit.parsed(file), asked, described.options.config)
    except mindie_edit.EditError as error:
        print(f"{words[0]}: {error}", file=sys.stderr)
        return 1
    broken = [*map(str, judged(edited.config, described.version)), *_blind(described, shape)]
    told = [f"{path}: left out, this version does not have it" for path in edited.left_out]
    told += broken or _computed(described, shape)
    for line in told:
        print(line, file=sys.stderr)
    if broken:
        return 1
    print(mindie_edit.text(edited.config), end="")
    return 0


def _text(name: str) -> str:
    try:
        return Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: cannot be read ({error}), should be a file of text") from None


def _described(name: str) -> Described:
    text = _text(name)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{name}: is no JSON ({error}), should describe an instance") from None
    if not isinstance(found, dict):
        raise UsageError(f"{name}: is no JSON object, should describe an instance")
    described = Described(**found)
    if faults := described.faults():
        raise UsageError("\n".join(f"{name}: {fault}" for fault in faults))
    return described


def _shape(described: Described) -> Model | None:
    if described.config is None:
        return None
    text = _text(str(described.config))
    try:
        return model_from(text)
    except ValueError as error:
        wrong = f"{described.config}: says not enough of the model ({error})"
        raise UsageError(f"{wrong}, should be its config.json") from None


def _blind(described: Described, shape: Model | None) -> list[str]:
    """MindIE starts with it, and its documentation refuses it."""
    if not (shape and shape.vision and described.options.npu_mem_size == -1):
        return []
    wanted = described.options.documented(shape)
    return [
        f"{_MEMORY}: is -1, which leaves a vision tower no room, "
        f"should be GiB a chip: {wanted} by MindIE's documentation"
    ]


def _computed(described: Described, shape: Model | None) -> list[str]:
    """For what the cache was computed, or that it was not."""
    options = described.options
    if options.npu_mem_size is not None or (shape and not shape.vision):
        return []
    if shape is None:
        return [f"{_MEMORY}: -1, for a model without a vision tower; else give config, or a size"]
    return [
        f"{_MEMORY}: {options.documented(shape)} GiB a chip, for {options.max_prefill_batch_size} "
        f"× {options.max_seq_len} tokens (maxPrefillBatchSize × maxSeqLen)"
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
