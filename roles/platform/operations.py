"""The platform of a host."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, StringCommand, operation

from roles import job, lock, probe
from roles.platform import plan
from roles.platform.converge import converge
from roles.platform.step import PlatformError
from roles.spec import HostSpec


@operation()
def platform(wanted: HostSpec) -> Generator[StringCommand | FunctionCommand, None, None]:
    """
    Driver and toolkits are at their pinned versions and at work.

    + wanted: what the host should be
    """
    found = probe.of(host)
    try:
        nothing = plan.needed(wanted, found).nothing
    except PlatformError as refused:
        yield job.refusal(str(refused))
        return
    if nothing:
        host.noop(plan.ready_words(wanted, found))
        return
    yield from lock.held()
    yield FunctionCommand(converge, (), {"spec": wanted, **job.connector_arguments(host)})
