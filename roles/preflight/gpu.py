"""GPUs that an instance names: there, alike, free, and what its wheels have code for."""

from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table, wheel
from roles.preflight.reason import Reason
from roles.spec import Accelerator, Engine, HostSpec, Instance, LmdeployOptions


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the GPUs of each instance."""
    if spec.accelerator is not Accelerator.CUDA or not seen.devices(spec, found):
        return
    for instance in spec.instances:
        path = f"instances/{instance.name}/devices"
        chosen = seen.chosen(instance, spec, found)
        yield from missing(instance, spec, found)
        yield from _alike(path, chosen)
        for number, device in chosen.items():
            if not device["error"]:
                yield from busy(path, number, device, spec, found)
                yield from _mode(path, number, device)
                yield from _code(instance, number, device, spec, found)
        yield from _bfloat16(instance, chosen)
        yield from _shared_memory(instance, found["system"])


def missing(instance: Instance, spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """Devices that the host does not have."""
    there = sorted(seen.devices(spec, found))
    for number in instance.devices:
        if number not in there:
            yield Reason(
                code="device-missing",
                path=f"instances/{instance.name}/devices",
                found=f"devices {', '.join(map(str, there))}",
                wanted=f"device {number}",
                remedy="name one that is there",
            )


def busy(
    path: str, number: int, device: dict[str, Any], spec: HostSpec, found: dict[str, Any]
) -> Iterator[Reason]:
    """What runs on a device and is no instance of the spec; a display server may."""
    most: int = table.read("memory")["bystander_mib"]
    for process in seen.strangers(device, spec, found):
        mib = process["mib"]
        yield Reason(
            code="device-busy",
            path=path,
            found=f"{seen.who(process)} on {seen.called(number, device)}, "
            f"which holds {'an unknown amount of' if mib is None else mib} MiB",
            wanted="a device that nobody else uses",
            remedy="stop it there, or name another device",
            refuses=mib is None or mib >= most,
        )


def _alike(path: str, chosen: dict[int, dict[str, Any]]) -> Iterator[Reason]:
    answering = [device for device in chosen.values() if not device["error"]]
    kinds = {(device["name"], device["total_mib"]) for device in answering}
    if len(kinds) > 1:
        yield Reason(
            code="mixed-devices",
            path=path,
            found=", ".join(f"{name} with {mib} MiB" for name, mib in sorted(kinds, key=str)),
            wanted="devices of one kind in one instance",
            remedy="name devices that are alike, or make an instance of each kind",
        )


def _mode(path: str, number: int, device: dict[str, Any]) -> Iterator[Reason]:
    called, mig = seen.called(number, device), device["mig"] or {"enabled": False, "pending": False}
    if mig["enabled"] or mig["pending"]:
        yield Reason(
            code="mig",
            path=path,
            found=f"MIG {'enabled' if mig['enabled'] else 'pending'} on {called}",
            wanted="the whole GPU",
            remedy=f"switch it off there: nvidia-smi -i {number} -mig 0, then reset the GPU",
        )
    if device["compute_mode"] == "prohibited":
        yield Reason(
            code="compute-mode",
            path=path,
            found=f"compute mode prohibited on {called}",
            wanted="default",
            remedy=f"set it there: nvidia-smi -i {number} -c DEFAULT",
        )
    if device["persistence"] is False:
        yield Reason(
            code="persistence",
            path=path,
            found=f"persistence off on {called}",
            wanted="on, or the driver is torn down whenever nobody uses it",
            remedy="enable nvidia-persistenced, or give the host a driver",
            refuses=False,
        )


def _code(
    instance: Instance, number: int, device: dict[str, Any], spec: HostSpec, found: dict[str, Any]
) -> Iterator[Reason]:
    """Machine code runs within its major version, on the same minor or a newer one."""
    known, capability = wheel.row(instance.stack) or {}, device["capability"]
    options = instance.options
    if isinstance(options, LmdeployOptions) and options.backend == "pytorch":
        return
    if capability is None or "sass" not in known:
        return
    runs = [
        code
        for code in known["sass"]
        if versions.major(code) == versions.major(capability)
        and not versions.older(capability, code)
    ]
    engine = f"{instance.stack.engine} {instance.stack.version}"
    if not runs:
        yield Reason(
            code="capability",
            path=f"instances/{instance.name}/stack",
            found=f"compute capability {capability} of {seen.called(number, device)}",
            wanted=f"one that {engine} has code for: {', '.join(known['sass'])}",
            remedy="choose another stack, or another device",
        )
    above, cuda, shown = known.get("jit_above"), known.get("cuda"), driver_cuda(spec, found)
    compiled = above and versions.older(above, capability)
    if compiled and cuda and shown and versions.older(shown, cuda):
        yield Reason(
            code="ptx",
            path=f"instances/{instance.name}/stack",
            found=f"a driver of CUDA {shown}, on {seen.called(number, device)}",
            wanted=f"one of CUDA {cuda} or newer: on compute capability {capability} "
            f"parts of {engine} are compiled by the driver",
            remedy="give the host a newer driver",
        )


def driver_cuda(spec: HostSpec, found: dict[str, Any]) -> str | None:
    """Return the CUDA of the driver that the host will have."""
    driver = seen.driver(spec, found)
    if driver is None:
        return None
    if not seen.installs(spec, found):
        told: str | None = (seen.vendor(spec, found) or {"cuda": None})["cuda"]
        if told:
            return told
    toolkits: dict[str, str] = table.read("cuda")["toolkits"]
    runs = [cuda for cuda, oldest in toolkits.items() if not versions.older(driver, oldest)]
    return max(runs, key=versions.key, default=None)


def _bfloat16(instance: Instance, chosen: dict[int, dict[str, Any]]) -> Iterator[Reason]:
    oldest: str = table.read("cuda")["bfloat16"]
    dtype, model = instance.options.dtype, instance.weights.model
    asked = dtype == "bfloat16"
    if not asked and not (dtype == "auto" and model and model.dtype == "bfloat16"):
        return
    for number, device in chosen.items():
        if device["capability"] and versions.older(device["capability"], oldest):
            yield Reason(
                code="bfloat16",
                path=f"instances/{instance.name}/options/dtype",
                found=f"compute capability {device['capability']} of {seen.called(number, device)}",
                wanted=f"{oldest} or newer for bfloat16",
                remedy="set dtype to float16",
                refuses=asked,
            )


def _shared_memory(instance: Instance, system: dict[str, Any]) -> Iterator[Reason]:
    needed: int = table.read("memory")["shm_mib"]
    engine = instance.stack.engine
    # Ollama has one process for all devices of a model.
    several = engine is Engine.MINDIE or (len(instance.devices) > 1 and engine is not Engine.OLLAMA)
    free = system["shm_free_mib"]
    if several and free is not None and free < needed:
        yield Reason(
            code="shm",
            path=f"instances/{instance.name}/devices",
            found=f"{free} MiB free in /dev/shm",
            wanted=f"{needed} MiB for processes that work together",
            remedy="mount a larger one, or see who fills it",
            refuses=False,
        )
