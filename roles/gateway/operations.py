"""The gateway of a host."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from roles import job, probe
from roles.gateway.rendered import Configuration


@operation()
def held_gateway() -> Generator[StringCommand, None, None]:
    """What serves is what the inventory asks for."""
    host.noop("the gateway serves as it should")
    yield from ()


@operation()
def held_package() -> Generator[StringCommand, None, None]:
    """HAProxy keeps its version, and no service of the distribution's starts it."""
    yield StringCommand("apt-mark", "hold", "haproxy")
    yield StringCommand("systemctl", "disable", "--now", "--quiet", "haproxy.service")


@operation()
def serving_configuration(wanted: Configuration) -> Generator[StringCommand, None, None]:
    """
    The gateway serves with a configuration; with the one before, where HAProxy refuses it.

    + wanted: what to serve with
    """
    machine_id = str(probe.of(host)["system"]["machine_id"])
    yield job.script(
        "gateway", "serve",
        python=wanted.spec.python, given=wanted.serving(machine_id=machine_id),
    )  # fmt: skip
