"""What the probe saw, by the numbers and names that a spec uses."""

from typing import Any

from roles.spec import Accelerator, HostSpec, Instance, Stack

Found = dict[str, Any]


def vendor(spec: HostSpec, found: Found) -> Found | None:
    """Return what the vendor's own tool says of the host's accelerators; ``None`` without it."""
    if spec.accelerator is Accelerator.CPU:
        return None
    told: Found | None = found["accelerators"][spec.accelerator.value]
    return told


def devices(spec: HostSpec, found: Found) -> dict[int, Found]:
    """Devices by the number that an instance names them with: NVML's index, a chip's logic id."""
    number = "index" if spec.accelerator is Accelerator.CUDA else "logic"
    told = (vendor(spec, found) or {"devices": []})["devices"]
    return {device[number]: device for device in told if device[number] is not None}


def chosen(instance: Instance, spec: HostSpec, found: Found) -> dict[int, Found]:
    """Devices that an instance names and that are there."""
    there = devices(spec, found)
    return {number: there[number] for number in instance.devices if number in there}


def called(number: int, device: Found) -> str:
    """Return a device as a person knows it."""
    return f"device {number} ({device['name'] or 'without a name'})"


def units(spec: HostSpec, found: Found) -> set[str]:
    """Units of the spec's own instances, which make room for what comes after them."""
    seen = [found["instances"].get(instance.name) for instance in spec.instances]
    return {one["unit"] for one in seen if one and one["unit"]}


def strangers(device: Found, spec: HostSpec, found: Found) -> list[Found]:
    """Processes on a device that no instance of the spec is, as far as they are known."""
    ours = units(spec, found)
    return [one for one in device["processes"] or () if one["unit"] not in ours]


def holder(listener: Found) -> str:
    """Return who listens on a port, as a person finds it."""
    return str(listener["unit"] or listener["process"] or "a process that cannot be seen")


def who(process: Found) -> str:
    """Return a process as a person finds it."""
    name = process["unit"] or process["name"] or "an unknown process"
    return f"{name} (pid {process['pid']})"


def where(stack: Stack, spec: HostSpec) -> str:
    """Return where a stack stands in the spec."""
    for instance in spec.instances:
        if instance.stack.name == stack.name:
            return f"instances/{instance.name}/stack"
    return f"ready_for/{stack.name}"


def plugged(found: Found) -> list[str]:
    """What is plugged in, by PCI ids."""
    return [card["what"] for card in found["accelerators"]["pci"] or () if card["what"]]


def nouveau(found: Found) -> bool:
    """Say whether the driver is at work that keeps NVIDIA's from its cards."""
    cards = found["accelerators"]["pci"] or ()
    return bool(found["system"]["nouveau"]) or any(one["driver"] == "nouveau" for one in cards)


def counted(things: list[str]) -> str:
    """Return ``8 × NVIDIA GPU, 4 × NVSwitch``."""
    return ", ".join(f"{things.count(one)} × {one}" for one in dict.fromkeys(things))


def driver(spec: HostSpec, found: Found) -> str | None:
    """Return the version that the driver will have: the planned one, else the one that is there."""
    return spec.driver.version if spec.driver else driver_there(spec, found)


def driver_there(spec: HostSpec, found: Found) -> str | None:
    """Return the version of the driver on the host."""
    told = vendor(spec, found) or {"driver": None, "hdk": None}
    if spec.accelerator is Accelerator.ASCEND:
        told = told["hdk"] or {"driver": None}
    version: str | None = told["driver"]
    return version


def installs(spec: HostSpec, found: Found) -> bool:
    """Say whether a run would install a driver."""
    return spec.driver is not None and spec.driver.version != driver_there(spec, found)
