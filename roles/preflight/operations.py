"""Judging in the middle of a run."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, State, operation
from pyinfra.api.output import echo

from roles import probe
from roles.preflight.reasons import against


@operation()
def fitting_plan() -> Generator[FunctionCommand, None, None]:
    """The plan still fits a host that this run has changed."""
    if not probe.renewed(host):
        host.noop("the host is as it was judged")
        return
    yield FunctionCommand(_judged, (), {})


def _judged(state: State, host: Host) -> bool:
    return fits(host)


def fits(host: Host) -> bool:
    """Say whether the plan of one host fits its probe as it is now, and tell what does not."""
    reasons = against(host.data.spec, probe.of(host))
    refused = [reason for reason in reasons if reason.refuses]
    if refused:
        echo(
            f"{host.print_prefix}its driver is installed, and with it the plan cannot work; "
            "no instance was switched to another release",
            err=True,
        )
    for reason in [*refused, *(one for one in reasons if not one.refuses)]:
        echo(f"{host.print_prefix}{reason}", err=True)
    return not refused
