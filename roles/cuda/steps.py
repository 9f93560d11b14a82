"""From what a host has to its pinned driver, as steps up to the next reboot."""

from collections.abc import Iterator
from typing import Any

from roles import apt
from roles.cuda import beside, driver
from roles.cuda.seen import Seen
from roles.platform import PlatformError, Step
from roles.spec import CudaDriver, HostSpec


def steps(spec: HostSpec, found: dict[str, Any]) -> tuple[Step, ...]:
    """
    Return what is to be done up to the next reboot; nothing when the host is ready.

    :raises PlatformError: there is no way from what the host has, or it is not known
    """
    if spec.driver is None and spec.containers is None:
        return ()
    seen = Seen(found)
    wanted = [*_wanted(spec, seen)]
    if not wanted and spec.driver and seen.fault:
        raise PlatformError(
            f"driver {seen.loaded} is in place and does not answer ({seen.fault}); nothing was "
            "changed; see dmesg on the host, a card may be lost, or a restart be needed"
        )
    # What was ended in the middle is ended properly before anything else; what is broken for
    # somebody else's reasons is no matter to a host that needs nothing.
    broken = seen.began or (wanted and seen.cut_short)
    repairs = apt.repairs(wanted) if broken and seen.packaged else ()
    return (*repairs, *apt.updated(wanted))


def _wanted(spec: HostSpec, seen: Seen) -> Iterator[Step]:
    """Every step that is needed, or was cut short."""
    version = None
    if isinstance(spec.driver, CudaDriver):
        version = spec.driver.version
        yield from driver.steps(spec.driver, seen)
    if spec.containers:
        yield from beside.containers(spec.containers, seen, driver=version)
