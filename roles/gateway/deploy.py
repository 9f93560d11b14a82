"""Have the gateway of a host serve what the inventory has behind it."""

from io import StringIO

from pyinfra import host
from pyinfra.api import Host, deploy
from pyinfra.operations import apt, files, systemd

from roles import lock, probe
from roles.gateway import operations
from roles.gateway.members import before, known
from roles.gateway.rendered import UNIT, UNIT_FILE, Configuration
from roles.spec import HostSpec


@deploy("Gateway")
def serve(spec: HostSpec) -> None:
    """Leave HAProxy before every instance of the inventory that serves one of its models."""
    if spec.gateway is None:
        return
    wanted = Configuration(name=host.name, known=known(host))
    if _serves(host, wanted):
        operations.held_gateway(name="Serve as gateway")
        return
    lock.deploy_lock(name="Take the deploy lock")
    if probe.of(host)["system"]["os"]["id"] in ("debian", "ubuntu"):
        apt.packages(
            name="Install HAProxy", packages=["haproxy"], update=True, cache_time=86400,
            no_recommends=True,
        )  # fmt: skip
        operations.held_package(name="Hold HAProxy")
    files.put(name=f"Write {UNIT}", src=StringIO(wanted.unit), dest=UNIT_FILE, mode="644")
    systemd.daemon_reload(name="Reload systemd")
    operations.serving_configuration(name="Serve as gateway", wanted=wanted)


@deploy("Gateway")
def tell_unasked(spec: HostSpec) -> None:
    """Say which gateways were not in the run and have to be told what is new on this host."""
    if gateways := before(host):
        operations.known_instances(
            name="Look whether gateways know this host", onto=spec, gateways=gateways
        )


def _serves(host: Host, wanted: Configuration) -> bool:
    found = probe.of(host)
    machine_id = str(found["system"]["machine_id"])
    digest = wanted.serving(machine_id=machine_id)["digest"]
    listens = any(
        one["port"] == wanted.gateway.port and one["unit"] == UNIT for one in found["ports"]
    )
    return probe.holds(host, phase="gateway", digest=digest) and listens
