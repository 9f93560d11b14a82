"""NPUs that an instance names: there, alike, free. A DUO card is two of them."""

from collections.abc import Iterator
from typing import Any

from roles.preflight import ascend, gpu, seen, table
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec, Instance, MindieOptions


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the NPUs of each instance."""
    if spec.accelerator is not Accelerator.ASCEND:
        return
    told = (seen.vendor(spec, found) or {"devices": []})["devices"]
    if spec.instances and any(device["logic"] is None for device in told):
        yield Reason(
            code="logic-id",
            path="accelerator",
            found="chips whose logic ids npu-smi does not tell",
            wanted="the numbers that an instance's devices are",
            remedy="run npu-smi info -m there",
        )
    if not seen.devices(spec, found):
        return
    for instance in spec.instances:
        path = f"instances/{instance.name}/devices"
        chosen = seen.chosen(instance, spec, found)
        yield from gpu.missing(instance, spec, found)
        yield from _alike(path, chosen)
        for number, device in chosen.items():
            yield from gpu.busy(path, number, device, spec, found)
        yield from _cards(path, chosen)
        yield from _batch(instance, chosen)


def _alike(path: str, chosen: dict[int, dict[str, Any]]) -> Iterator[Reason]:
    # The two chips of one DUO card show different memory.
    kinds = sorted({f"{ascend.name_of(d['kind'])} ({d['name']})" for d in chosen.values()})
    if len(kinds) > 1:
        yield Reason(
            code="mixed-devices",
            path=path,
            found=", ".join(kinds),
            wanted="devices of one kind in one instance",
            remedy="name devices that are alike, or make an instance of each kind",
        )


def _cards(path: str, chosen: dict[int, dict[str, Any]]) -> Iterator[Reason]:
    duo = [device["npu"] for device in chosen.values() if device["kind"] == "duo"]
    halves = [npu for npu in dict.fromkeys(duo) if duo.count(npu) == 1]
    if len(duo) > 1 and halves:
        yield Reason(
            code="half-a-card",
            path=path,
            found=f"one chip of card {', '.join(map(str, halves))}",
            wanted="both chips of each Atlas 300I DUO that an instance spans",
            remedy="name both of its devices; what chips of several cards cost was not measured",
            refuses=False,
        )


def _batch(instance: Instance, chosen: dict[int, dict[str, Any]]) -> Iterator[Reason]:
    most: int = table.read("models")["mindie_duo_batch"]
    options = instance.options
    duo = any(device["kind"] == "duo" for device in chosen.values())
    if duo and isinstance(options, MindieOptions) and options.max_batch_size > most:
        yield Reason(
            code="mindie-options",
            path=f"instances/{instance.name}/options/max_batch_size",
            found=f"maxBatchSize {options.max_batch_size}",
            wanted=f"{most} or less on an Atlas 300I DUO",
            remedy="MindIE's documentation bounds it there",
            refuses=False,
        )
