"""What a host needs of its platform, and what came of it: pure functions of spec and probe."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from roles.platform.step import PlatformError, Step
from roles.spec import Accelerator, CudaDriver, HostSpec

Found = dict[str, Any]

JOB = "platform"


@dataclass(frozen=True)
class Need:
    """
    What is to be done to a host now.

    :param steps: up to the next reboot
    :param reboot: why one is due, from an earlier run or from somebody else's
    :param left_over: names of steps that were cut short
    :param at_work: whether a job of an earlier run still is
    :param down: instances that have to serve and do not
    """

    steps: tuple[Step, ...] = ()
    reboot: str | None = None
    left_over: tuple[str, ...] = ()
    at_work: bool = False
    down: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether the host is as it should be."""
        return self == Need()

    @property
    def disturbs(self) -> bool:
        """Whether what serves on the host would have to stand still."""
        return (
            self.at_work
            or bool(self.reboot)
            or any(step.stops or step.always_reboot or step.reboot for step in self.steps)
        )

    @property
    def words(self) -> str:
        """What it is, for people."""
        words = [step.name for step in self.steps]
        words += [f"reboot ({self.reboot})"] if self.reboot else []
        words += ["what is at work already"] if self.at_work else []
        words += [f"start {name}" for name in self.down]
        return ", ".join(words or self.left_over)


def asked(spec: HostSpec) -> bool:
    """Say whether the spec wants anything of a host's platform."""
    return bool(spec.driver or spec.containers or spec.files)


def planned(spec: HostSpec, found: Found) -> tuple[Step, ...]:
    """
    Return the steps up to the next reboot; nothing when driver and toolkits are as pinned.

    :raises PlatformError: there is no way from what the host has
    """
    # Both roles have their nouns from this package, so that it cannot ask for them first.
    match spec.accelerator:
        case Accelerator.CUDA:
            from roles import cuda

            return cuda.steps(spec, found)
        case Accelerator.ASCEND:
            from roles import ascend

            return ascend.steps(spec, found)
        case Accelerator.CPU:
            return ()
        case _:
            assert_never(spec.accelerator)


def needed(spec: HostSpec, found: Found, *, serving: tuple[str, ...] = ()) -> Need:
    """
    Return what a host needs.

    :param serving: instances that have to be up in the end
    :raises PlatformError: see ``planned``
    """
    unknown = [part for part in ("system", "accelerators", "platform") if not found[part]]
    if unknown:
        raise PlatformError(
            f"its {unknown[0]} is not known: {found['faults']}; nothing was changed"
        )
    if at_work(found):
        # In the middle of it nothing can be said of what is left to do.
        return Need(at_work=True)
    reboot = pending(found)
    instances = found["instances"] or {}
    return Need(
        # What is installed and waits for a reboot is judged after it.
        steps=() if reboot else planned(spec, found),
        reboot=reboot,
        left_over=tuple(sorted(found["platform"]["began"])),
        down=tuple(name for name in serving if not instances.get(name, {}).get("active")),
    )


def at_work(found: Found) -> bool:
    """Say whether a job of ours is at work on the host."""
    return JOB in (found["jobs"] or ())


def pending(found: Found) -> str | None:
    """Return why a reboot is due; one that was asked for in an earlier boot has come."""
    reboot = found["platform"]["reboot"]
    if reboot and reboot["boot_id"] == found["system"]["boot_id"]:
        return str(reboot["why"])
    return None


def serving(found: Found) -> tuple[str, ...]:
    """Return the instances that are up."""
    return tuple(name for name, one in (found["instances"] or {}).items() if one["active"])


def state(found: Found, served: tuple[str, ...]) -> str:
    """Return in which state a job left a host that it did not bring to its end; nothing if well."""
    instances = found["instances"] or {}
    words = [
        f"{name} IS DOWN until the next run"
        for name in served
        if not instances.get(name, {}).get("active")
    ]
    words += [f"{step} was cut short" for step in sorted(found["platform"]["began"])]
    return f"; state: {', '.join(words)}" if words else ""


def drains(spec: HostSpec, found: Found) -> dict[str, float]:
    """Return how long each instance of a host may take to end what it has begun."""
    known = {one.name: float(one.drain_within_s) for one in spec.instances}
    longest = max(known.values(), default=0.0)
    return {name: known.get(name, longest) for name in found["instances"] or {}}


def described(spec: HostSpec) -> str:
    """Return what it is that is brought, for people."""
    return f"driver {spec.driver.version}" if spec.driver else "the platform"


def faults(spec: HostSpec, *, before: Found, after: Found) -> Iterator[str]:
    """Yield what is wrong with a host on which nothing is left to do."""
    if spec.driver is None:
        return
    loaded = _loaded(spec, after)
    if loaded != spec.driver.version:
        yield f"driver {loaded or 'none'} is loaded, {spec.driver.version} is wanted"
    cards, had = _cards(spec, after), _cards(spec, before)
    if cards < had:
        yield f"{cards} cards are on the PCI bus, {had} were there before"
    devices, wanted = _devices(spec, after), max(cards, _devices(spec, before))
    if devices < wanted:
        yield f"the driver shows {devices} devices, {wanted} are there"


def ready_words(spec: HostSpec, found: Found) -> str:
    """Return in which state a host is that needs nothing."""
    if spec.driver is None:
        return "toolkits are as pinned"
    return f"driver {_loaded(spec, found)} is as pinned, {_devices(spec, found)} devices"


def _part(spec: HostSpec, found: Found) -> Found:
    part: Found = (found["accelerators"] or {}).get(str(spec.accelerator)) or {}
    return part


def _loaded(spec: HostSpec, found: Found) -> str | None:
    part = _part(spec, found)
    if isinstance(spec.driver, CudaDriver):
        return None if part.get("error") else part.get("driver")
    return (part.get("hdk") or {}).get("loaded")


def _devices(spec: HostSpec, found: Found) -> int:
    return len(_part(spec, found).get("devices") or ())


def _cards(spec: HostSpec, found: Found) -> int:
    """How many accelerators are plugged in that are ours to drive, switches not among them."""
    vendor = {Accelerator.CUDA: "0x10de", Accelerator.ASCEND: "0x19e5"}.get(spec.accelerator)
    cards = (found["accelerators"] or {}).get("pci") or ()
    return sum(
        card["vendor"] == vendor and card["what"] not in (None, "NVSwitch")
        and card["driver"] != "vfio-pci"
        for card in cards
    )  # fmt: skip
