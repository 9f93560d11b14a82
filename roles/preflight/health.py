"""Devices that are failing: what tells it, and where their instances may move."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from roles.preflight import seen, table
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec, Instance

Device = dict[str, Any]


class Judged(NamedTuple):
    """
    How well a device is.

    :param user: the instance that is given it
    :param failing: what shows that it is failing
    :param noted: what is worth a look, or could not be found out
    """

    device: Device
    user: Instance | None
    failing: list[str]
    noted: list[str]


def placed(spec: HostSpec, found: dict[str, Any]) -> tuple[HostSpec, list[Reason]]:
    """
    Return the spec with each instance that may move off its failing devices, and what moved.

    It goes to the lowest healthy device of the same name and memory that no instance names and
    nobody else uses: the same one in every run, for as long as the first is failing.
    """
    devices, moves = _there(spec, found), []
    named = {number for instance in spec.instances for number in instance.devices}
    instances = []
    for instance in spec.instances:
        numbers = list(instance.devices)
        for index, number in enumerate(numbers if instance.failing_device == "move" else ()):
            why = failing(devices.get(number), instance, found)
            spare = _spare(number, named, instance, spec, found) if why else None
            if spare is None:
                continue
            numbers[index] = spare
            named.add(spare)
            moves.append(
                Reason(
                    code="device-moved",
                    path=f"instances/{instance.name}/devices",
                    found=f"{', '.join(why)} on {seen.called(number, devices[number])}",
                    wanted="a healthy device",
                    remedy=f"it is given device {spare} in its place; repair device {number}",
                    refuses=False,
                )
            )
        changed = numbers != list(instance.devices)
        instances.append(
            instance.model_copy(update={"devices": tuple(numbers)}) if changed else instance
        )
    return (spec.model_copy(update={"instances": tuple(instances)}) if moves else spec), moves


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the devices' health; those that no instance uses are told too."""
    if spec.accelerator is Accelerator.CPU or not (spec.stacks or spec.driver):
        return
    for number, one in judged(spec, found).items():
        if one.failing and one.user:
            yield _refused(one.user, number, one.device, one.failing)
        elif one.failing:
            yield Reason(
                code="device-quarantined",
                path=f"devices/{number}",
                found=f"{', '.join(one.failing)} on {seen.called(number, one.device)}",
                wanted="a healthy device",
                remedy="no instance uses it, and none will be moved there; repair it",
                refuses=False,
            )
        if one.noted:
            yield Reason(
                code="device-health",
                path=f"devices/{number}",
                found=f"{', '.join(one.noted)} on {seen.called(number, one.device)}",
                wanted="an answer without",
                remedy="it is used all the same; look at it",
                refuses=False,
            )
    yield from _unread(spec, found)


def judged(spec: HostSpec, found: dict[str, Any]) -> dict[int, Judged]:
    """Return how well each device of a host is, by its number."""
    users = {number: one for one in spec.instances for number in one.devices}
    return {
        number: Judged(
            device=device,
            user=users.get(number),
            failing=failing(device, users.get(number), found),
            noted=[*_noted(device, found), *_unknown(device)],
        )
        for number, device in _there(spec, found).items()
    }


def failing(device: Device | None, user: Instance | None, found: dict[str, Any]) -> list[str]:
    """Return what shows that a device is failing; nothing for one that is not there."""
    if device is None:
        return []
    if "health" in device:
        return _npu(device, user)
    return [*_gpu(device), *_xids(device, "fatal", found)]


def _gpu(device: Device) -> Iterator[str]:
    if device["error"]:
        yield device["error"]["text"]
    ecc, rows, pages = device["ecc"], device["remapped_rows"], device["retired_pages"]
    if ecc and ecc["uncorrected"]:
        yield f"{ecc['uncorrected']} uncorrectable ECC error(s) since the driver was loaded"
    if rows and rows["failure"]:
        yield "a memory row that could not be remapped"
    if rows and rows["pending"]:
        yield "a memory row that waits for a reset to be remapped"
    if pages and pages["pending"]:
        yield "memory pages that wait for a reset to be retired"
    if device["recovery"] not in (None, "none"):
        yield f"recovery action {device['recovery']}"


def _xids(device: Device, kind: str, found: dict[str, Any]) -> Iterator[str]:
    names: dict[int, str] = table.read("xids")[kind]
    logged = found["accelerators"]["cuda"]["xids"] or ()
    numbers = {one["xid"] for one in logged if _same_slot(one["slot"], device["slot"])}
    for number in sorted(numbers & names.keys()):
        yield f"Xid {number} in the kernel log of this boot ({names[number]})"


def _same_slot(one: str | None, other: str | None) -> bool:
    """Compare PCI addresses, which the kernel log has without their function."""
    return one is not None and other is not None and one.split(".")[0] == other.split(".")[0]


def _npu(device: Device, user: Instance | None) -> list[str]:
    codes = " ".join((device.get("health_detail") or {"codes": []})["codes"])
    health = f"health {device['health']}{codes and f' ({codes})'}"
    told = [] if device["health"] == "OK" else [health]
    # A chip alone talks to no other.
    if str(device.get("roce")).lower() == "down" and user and len(user.devices) > 1:
        told.append("RoCE link down")
    return told


def _noted(device: Device, found: dict[str, Any]) -> Iterator[str]:
    """What is worth a look, and no reason to leave a device alone."""
    if "health" in device:
        return
    yield from _xids(device, "noted", found)
    slow = {"hw-slowdown", "hw-thermal", "power-brake"} & {*(device["throttle"] or ())}
    if slow:
        yield f"slowed down by hardware ({', '.join(sorted(slow))})"
    down = [str(link["link"]) for link in device["nvlink"] or () if not link["active"]]
    if down and len(down) < len(device["nvlink"]):
        yield f"NVLink {', '.join(down)} down"


def _unknown(device: Device) -> Iterator[str]:
    """Questions that failed; what a card does not have is a fact, and is not among them."""
    for call, text in (device.get("unknown") or {}).items():
        yield f"no answer to {call} ({text})"


def _unread(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """Parts of the answer that could not be read."""
    told = seen.vendor(spec, found)
    lines: list[str] = []
    if told and spec.accelerator is Accelerator.CUDA and told["xids"] is None:
        lines = ["no kernel log to look for Xids in"]
    if told and spec.accelerator is Accelerator.ASCEND:
        lines = [f"{line!r} of npu-smi" for line in told["unknown"]]
    if lines:
        yield Reason(
            code="device-health",
            path="accelerator",
            found=", ".join(lines),
            wanted="an answer that is understood",
            remedy="health was judged without it; report it with the output of the probe",
            refuses=False,
        )


def _there(spec: HostSpec, found: dict[str, Any]) -> dict[int, Device]:
    return {} if spec.accelerator is Accelerator.CPU else seen.devices(spec, found)


def _spare(
    number: int, named: set[int], user: Instance, spec: HostSpec, found: dict[str, Any]
) -> int | None:
    devices = _there(spec, found)
    kinds = {_kind(device) for device in devices.values() if device["name"]}
    # One that does not answer does not say what it is: then it is as all the others are.
    unnamed = kinds.pop() if len(kinds) == 1 else None
    alike = _kind(devices[number]) if devices[number]["name"] else unnamed
    for candidate, device in sorted(devices.items()):
        if candidate in named or _kind(device) != alike or any(_unknown(device)):
            continue
        if not failing(device, user, found) and not seen.strangers(device, spec, found):
            return candidate
    return None


def _kind(device: Device) -> tuple[object, object]:
    return device["name"], device["total_mib"]


def _refused(instance: Instance, number: int, device: Device, why: list[str]) -> Reason:
    remedy = "repair it, name another device, or let the instance move (failing_device)"
    if instance.failing_device == "move":
        remedy = f"repair it: no healthy {device['name']} is left that no instance uses"
    return Reason(
        code="device-failing",
        path=f"instances/{instance.name}/devices",
        found=f"{', '.join(why)} on {seen.called(number, device)}",
        wanted="a healthy device",
        remedy=remedy,
    )
