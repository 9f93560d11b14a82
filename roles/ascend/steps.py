"""From what a host has to its pinned HDK and CANN, as steps up to the next reboot."""

from typing import Any

from roles.ascend import cann, hdk, needs
from roles.ascend.seen import Seen
from roles.platform import Step
from roles.spec import AscendHdk, HostSpec


def steps(spec: HostSpec, found: dict[str, Any]) -> tuple[Step, ...]:
    """
    Return what is to be done up to the next reboot; nothing when the host is ready.

    :raises PlatformError: there is no way from what the host has, or it is not known
    """
    seen = Seen(found)
    driver = [*hdk.steps(spec.driver, seen)] if isinstance(spec.driver, AscendHdk) else []
    if driver:
        # CANN comes once the driver is at work: there may be a reboot in between.
        return (*needs.steps(seen, builds=True), *driver)
    stacks = [step for stack in spec.stacks for step in cann.steps(stack, spec, seen)]
    # Stacks may share a toolkit, which comes once.
    unique = {step.name: step for step in stacks}
    return (*needs.steps(seen, builds=False), *unique.values()) if unique else ()
