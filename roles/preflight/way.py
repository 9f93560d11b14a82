"""Whether there is a way from what a host has to its pinned driver and toolkits."""

from collections.abc import Iterator
from typing import Any

from roles import platform
from roles.preflight import seen
from roles.preflight.reason import Reason
from roles.spec import HostSpec


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What would stop a run when it comes to the driver, known before it begins."""
    if not platform.asked(spec) or not seen.plugged(found):
        return
    if found["platform"].get(spec.accelerator.value) is None:
        return  # what is installed could not be read: a fault, which is told as one
    try:
        platform.planned(spec, found)
    except platform.PlatformError as refused:
        yield Reason(
            code="platform",
            path="driver",
            found=str(refused),
            wanted="a way from what the host has to what is pinned",
            remedy="do as it says, or pin what the host has",
        )
