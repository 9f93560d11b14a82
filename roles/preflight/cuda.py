"""NVIDIA's driver: there or planned, new enough, answering, with its fabric manager."""

from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table, wheel
from roles.preflight.reason import Reason
from roles.spec import Accelerator, CudaDriver, HostSpec, Stack, VllmOptions

_MISMATCH, _NOT_LOADED = 18, 9


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the driver of a host with CUDA."""
    if spec.accelerator is not Accelerator.CUDA or not (spec.stacks or spec.driver):
        return
    told = seen.vendor(spec, found)
    if not seen.devices(spec, found) and "NVIDIA GPU" not in seen.plugged(found):
        yield _no_card(found)
        return
    if told and told["error"]:
        yield from _error(spec, told["error"])
    elif seen.driver(spec, found) is None:
        yield _no_driver(spec, found)
    for stack in spec.stacks:
        yield from _driver(stack, spec, found)
    yield from _fabric_manager(spec, found)
    if seen.installs(spec, found) and spec.instances and not seen.devices(spec, found):
        yield unseen()


def unseen() -> Reason:
    """Return the remark that devices are judged when they can be seen."""
    return Reason(
        code="unseen",
        path="driver",
        found="no driver that shows the devices",
        wanted="their memory, health and processes",
        remedy="they are judged once this run has installed the driver",
        refuses=False,
    )


def _no_card(found: dict[str, Any]) -> Reason:
    return Reason(
        code="no-accelerator",
        path="accelerator",
        found=seen.counted(seen.plugged(found)) or "no accelerator",
        wanted="an NVIDIA GPU",
        remedy="this is another machine than the plan is for, or the card is not seated",
    )


def _error(spec: HostSpec, error: dict[str, Any]) -> Iterator[Reason]:
    """NVML does not start: whoever brings the driver mends it, or says what it takes."""
    remedy = "run nvidia-smi there and look at the kernel log"
    if error["code"] == _MISMATCH:
        remedy = "restart the machine: the driver on disk is another than the one that is loaded"
    elif error["code"] == _NOT_LOADED:
        remedy = "load it (modprobe nvidia), or restart the machine"
    if spec.driver is None:
        yield Reason(
            code="nvml",
            path="driver",
            found=f"{error['text']} ({error['name'] or error['code']})",
            wanted="a driver that answers",
            remedy=remedy,
        )


def _no_driver(spec: HostSpec, found: dict[str, Any]) -> Reason:
    floors = [stack.driver for stack in spec.stacks if stack.driver]
    return Reason(
        code="driver",
        path="driver",
        found="no driver, and nouveau is loaded" if seen.nouveau(found) else "no driver",
        wanted=f"{max(floors, key=versions.key)} or newer" if floors else "NVIDIA's driver",
        remedy="give the host a driver (CudaDriver), or install one",
    )


def _driver(stack: Stack, spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """
    The driver against the stack's own floor and against that of CUDA's major version: newer
    drivers run older CUDA, and any 13.x runs from 580 on.
    """
    driver, cuda = seen.driver(spec, found), wheel.built_for(stack)
    if driver is None:
        return
    floors = {stack.driver: stack.name} if stack.driver else {}
    if cuda and (floor := table.read("cuda")["majors"].get(str(versions.major(cuda)))):
        floors.setdefault(floor, f"{stack.name}, whose wheels are for CUDA {cuda}")
    oldest = max(floors, key=versions.key, default=driver)
    if not versions.older(driver, oldest):
        return
    compatible = _forward_compatible(stack, spec, found)
    yield Reason(
        code="driver",
        path="driver/version" if spec.driver else seen.where(stack, spec),
        found=f"driver {driver}",
        wanted=f"{oldest} or newer for {floors[oldest]}",
        remedy="VLLM_ENABLE_CUDA_COMPATIBILITY is set, which nobody tried here"
        if compatible
        else "give the host a newer driver, or choose a stack for an older one",
        refuses=not compatible,
    )
    if compatible is False:
        yield Reason(
            code="forward-compatibility",
            path=seen.where(stack, spec),
            found="VLLM_ENABLE_CUDA_COMPATIBILITY on a card without it, or a vllm that is too old",
            wanted="a data centre GPU and "
            f"vllm {table.read('engines')['forward_compatibility']} or newer",
            remedy="leave it out and use a newer driver",
        )


def _forward_compatible(stack: Stack, spec: HostSpec, found: dict[str, Any]) -> bool | None:
    """Say whether cuda-compat stands in for a newer driver; ``None`` when nobody asked for it."""
    asked = [
        instance
        for instance in spec.instances
        if instance.stack.name == stack.name
        and isinstance(instance.options, VllmOptions)
        and instance.options.environment.get("VLLM_ENABLE_CUDA_COMPATIBILITY") == "1"
    ]
    if not asked:
        return None
    without: list[str] = table.read("cuda")["no_forward_compatibility"]
    names = [device["name"] or "" for device in seen.devices(spec, found).values()]
    return not versions.older(
        stack.version, table.read("engines")["forward_compatibility"]
    ) and not any(word in name for word in without for name in names)


def _fabric_manager(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """With NVSwitches, CUDA starts only beside a fabric manager of the driver's own version."""
    if "NVSwitch" not in seen.plugged(found):
        return
    if isinstance(spec.driver, CudaDriver) and spec.driver.source.fabric_manager:
        return
    told = seen.vendor(spec, found)
    manager = told["fabric_manager"] if told else None
    driver = seen.driver(spec, found)
    if manager is None:
        seen_as = "none"
    elif not manager["active"]:
        seen_as = f"{manager['unit']}, which does not run"
    elif manager["version"] not in (None, driver):
        seen_as = f"version {manager['version']}"
    else:
        return
    yield Reason(
        code="fabric-manager",
        path="driver/source/fabric_manager" if spec.driver else "driver",
        found=seen_as,
        wanted=f"a fabric manager of version {driver}, running: the host has NVSwitches",
        remedy="name its package in the driver's source, or install it there",
    )
