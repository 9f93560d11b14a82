"""The gateway of a host."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, State, StringCommand, operation
from pyinfra.api.output import echo

from roles import job, probe
from roles.gateway.rendered import Configuration
from roles.spec import HostSpec, Instance


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


@operation()
def known_instances(onto: HostSpec, gateways: list[str]) -> Generator[FunctionCommand, None, None]:
    """
    Gateways know what is new on the host, or whoever runs this was told of those that do not.

    + onto: the host
    + gateways: names of the hosts whose gateways are before it
    """
    there = {one.name for one in host.state.active_hosts}
    unasked = [name for name in gateways if name not in there]
    moved = [one.name for one in onto.instances if _moved(one)]
    if moved and unasked:
        yield FunctionCommand(_tell, (), {"instances": moved, "unasked": unasked})
    else:
        host.noop("what gateways have to know of this host they were told")


def _moved(instance: Instance) -> bool:
    """Say whether an instance is where no earlier run can have told a gateway that it is."""
    instances = probe.of(host)["instances"] or {}
    served = (instances.get(instance.name) or {}).get("served")
    # Its own comes before those of other planes.
    return not served or served[0]["ports"][:1] != [instance.port]


def _tell(state: State, host: Host, *, instances: list[str], unasked: list[str]) -> bool:
    """Say at the end of the run, where it is read, what the run did not do."""
    limits = " ".join(f"--limit {name}" for name in unasked)
    echo(
        f"{host.print_prefix}{', '.join(instances)}: new here, and nobody looked whether "
        f"{', '.join(unasked)} sends it requests, which was not in this run; deploy/gateway.py "
        f"{limits} sees to it",
        err=True,
    )
    return True
