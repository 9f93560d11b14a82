"""From what a host has to its pinned HDK and CANN, as steps up to the next reboot."""

from typing import Any

from roles.ascend import cann, hdk, needs
from roles.ascend.seen import Seen
from roles.platform import PlatformError, Step
from roles.spec import AscendHdk, HostSpec


def steps(spec: HostSpec, found: dict[str, Any]) -> tuple[Step, ...]:
    """
    Return what is to be done up to the next reboot; nothing when the host is ready.

    :raises PlatformError: there is no way from what the host has, or it is not known
    """
    if not spec.files:
        return ()
    seen = Seen(found)
    driver = [*hdk.steps(spec.driver, seen)] if isinstance(spec.driver, AscendHdk) else []
    if driver:
        # CANN comes once the driver is at work: there may be a reboot in between.
        first = needs.steps(seen, builds=True) if any(step.installer for step in driver) else ()
        return (*first, *driver)
    # Stacks may share a toolkit, which comes once.
    unique: dict[str, Step] = {}
    for step in (step for stack in spec.stacks for step in cann.steps(stack, spec, seen)):
        known = unique.setdefault(step.name, step)
        if known.installer != step.installer:
            raise PlatformError(
                f"two stacks want different files as {step.name}, which lie in one folder "
                f"({known.installer and known.installer.file} and "
                f"{step.installer and step.installer.file}); give both the same"
            )
    return (*needs.steps(seen, builds=False), *unique.values()) if unique else ()
