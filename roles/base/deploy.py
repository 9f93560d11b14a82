"""Make a host ready for stacks and instances."""

from io import StringIO

from pyinfra import host
from pyinfra.api import Host, deploy
from pyinfra.operations import apt, files

from roles import lock, paths, probe
from roles.base import layout, operations
from roles.hostside import places
from roles.spec import HostSpec

_PHASE = "prepare"


@deploy("Prepare")
def prepare(spec: HostSpec) -> None:
    """Leave users, folders, our own scripts and units on the host."""
    digest = layout.digest_of(spec)
    if probe.holds(host, phase=_PHASE, digest=digest) and _answers(host, spec):
        operations.held_receipt(name="Prepared", phase=_PHASE)
        return
    lock.deploy_lock(name="Take the deploy lock")
    if probe.of(host)["system"]["os"]["id"] in ("debian", "ubuntu"):
        # What is recommended beside Docker would restart services on its own (needrestart).
        apt.packages(
            name="Install packages", packages=layout.packages(spec), update=True, cache_time=86400,
            no_recommends=True,
        )  # fmt: skip
    users, groups = layout.users(spec), layout.groups(spec)
    if users or groups:
        operations.accounts(name=f"Add {', '.join([*groups, *users])}", users=users, groups=groups)
    operations.folders(name="Make our folders", weights_root=spec.weights_root)
    operations.hostside_scripts(name="Bring our own scripts")
    for unit, text in layout.units(spec).items():
        files.put(
            name=f"Write {unit}", src=StringIO(text), dest=f"{paths.UNITS}/{unit}", mode="644"
        )
    if spec.agent:
        files.put(
            name="Write where gateways ask", src=StringIO(layout.agent_told(spec.agent)),
            dest=places.agent(), mode="644",
        )  # fmt: skip
    operations.recovery(name="Reload systemd, enable recovery at boot")
    if spec.agent:
        operations.asked_agent(name="Answer gateways")
    operations.receipt(
        name="Leave a receipt", phase=_PHASE, digest=digest,
        managed=layout.managed(spec), python=spec.python,
    )  # fmt: skip


def _answers(host: Host, spec: HostSpec) -> bool:
    """Say whether gateways are answered, where they ask."""
    ports = probe.of(host)["ports"]
    return not spec.agent or ports is None or spec.agent.port in {one["port"] for one in ports}


@deploy("Prepare")
def bring_scripts() -> None:
    """Leave our own scripts on the host, as they are now, and nothing else."""
    lock.deploy_lock(name="Take the deploy lock")
    operations.hostside_scripts(name="Bring our own scripts")
