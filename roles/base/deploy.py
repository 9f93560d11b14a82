"""Make a host ready for stacks and instances."""

from pyinfra import host
from pyinfra.api import Host, deploy

from roles import probe
from roles.base import layout, operations
from roles.spec import HostSpec


@deploy("Prepare")
def prepare(spec: HostSpec) -> None:
    """Leave users, folders, our own scripts and units on the host."""
    digest = layout.digest_of(spec)
    if probe.holds(host, phase=layout.PHASE, digest=digest) and _answers(host, spec):
        operations.held_receipt(name="Prepared", phase=layout.PHASE)
        return
    if probe.of(host)["system"]["os"]["id"] in ("debian", "ubuntu"):
        operations.packages(name="Install packages", wanted=layout.packages(spec))
    named = [*layout.groups(spec), *layout.users(spec), *layout.units(spec)]
    operations.laid_out_host(name=f"Lay out folders, scripts, {', '.join(named)}", onto=spec)


def _answers(host: Host, spec: HostSpec) -> bool:
    """Say whether gateways are answered, where they ask."""
    ports = probe.of(host)["ports"]
    return not spec.agent or ports is None or spec.agent.port in {one["port"] for one in ports}


@deploy("Prepare")
def bring_scripts() -> None:
    """Leave our own scripts on the host, as they are now, and nothing else."""
    operations.hostside_scripts(name="Bring our own scripts", python=host.data.spec.python)
