"""Make a host ready for stacks and instances."""

from io import StringIO

from pyinfra import host
from pyinfra.api import Host, deploy
from pyinfra.operations import apt, files, server, systemd

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
    for group in layout.groups(spec):
        server.group(name=f"Add group {group}", group=group, system=True)
    for user in layout.users(spec):
        server.user(  # noqa: S604  # the user's shell
            name=f"Add user {user}", user=user, system=True, shell="/usr/sbin/nologin",
            home="/nonexistent", create_home=False, ensure_home=False,
        )  # fmt: skip
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
    systemd.daemon_reload(name="Reload systemd")
    systemd.service(
        name="Enable recovery at boot", service=paths.RECOVER_UNIT, enabled=True, running=True
    )
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
