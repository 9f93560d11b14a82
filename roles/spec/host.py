"""A host: one machine and what it should serve; and an inventory of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from roles.spec.base import Fault, Findings, Name, RemotePath, Spec, SpecError, spelled
from roles.spec.behind import unreached
from roles.spec.fleet import Fleet
from roles.spec.gateway import Agent, Gateway
from roles.spec.gathered import ungathered
from roles.spec.installer import Installer
from roles.spec.instance import Instance
from roles.spec.platform import ContainerToolkit, Driver, accelerator_of
from roles.spec.source import Folder, HostFolder
from roles.spec.spread import Spread
from roles.spec.stack import Accelerator, Stack
from roles.spec.weights import Weights

Group = list[tuple[str, dict[str, Any]]]

_IndexUrl = Annotated[
    str, spelled(r"https?://[^@\s]+", "should be an http or https URL without a password")
]
_ProxyUrl = Annotated[str, spelled(r"http://[^@\s]+", "should be an http URL without a password")]


class Packages(Spec):
    """
    Where a host gets packages from; the public index unless given. A host's own configuration of
    uv is not read.

    :param index: URL of a package index with the simple API
    :param folder: a folder on the host that holds every wheel; no index is asked then
    :param proxy: URL of an HTTP proxy
    """

    index: _IndexUrl | None = Field(default=None, repr=False)
    folder: RemotePath | None = None
    proxy: _ProxyUrl | None = Field(default=None, repr=False)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.folder and (self.index or self.proxy):
            yield Fault(
                path="folder",
                wrong="is given beside an index or a proxy that would never be asked",
                right="give one of them",
            )


class HostSpec(Spec):
    """
    What one machine should be.

    :param driver: the accelerator's, kept at this version; left as it is unless given
    :param containers: what containers need to see GPUs
    :param installers: where the vendors' files lie
    :param ready_for: stacks that it is made ready for besides those of its instances
    :param may_reboot: whether a driver that needs it may restart the machine; instances are
        drained first
    :param weights_root: where weights lie; a large disk
    :param fetch_limit_mib_s: what fetching weights may take of the network, in MiB/s, so that
        servers are not starved; as fast as it goes unless given. With ``spread`` it bounds what is
        given to other hosts as well
    :param spread: bring weights from host to host; each asks the sources for itself unless given
    :param gateway: what clients talk to, on this host
    :param agent: tells gateways which instances may be sent requests; needed behind one
    :param rack: what it shares power or a switch with; a change comes to all racks alike
    :param python: the interpreter that runs our own code there, 3.8 or newer
    """

    accelerator: Accelerator
    instances: tuple[Instance, ...] = ()
    driver: Driver | None = None
    containers: ContainerToolkit | None = None
    installers: Folder | HostFolder | None = None
    ready_for: tuple[Stack, ...] = ()
    may_reboot: bool = False
    weights_root: RemotePath = "/srv/metalserve/weights"
    fetch_limit_mib_s: float | None = Field(default=None, gt=0)
    spread: Spread | None = None
    gateway: Gateway | None = None
    agent: Agent | None = None
    rack: Name | None = None
    python: RemotePath = "/usr/bin/python3"
    packages: Packages = Packages()

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        for instance in self.instances:
            path = f"instances/{instance.name}"
            if instance.stack.accelerator is not self.accelerator:
                yield Fault(
                    path=f"{path}/stack",
                    wrong=f"{instance.stack.name} needs {instance.stack.accelerator}, "
                    f"this host has {self.accelerator}",
                    right=f"choose a stack for {self.accelerator}",
                )
        yield from self._shared()
        yield from self._platform()

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every stack that it has to be ready for, once."""
        wanted = [*self.ready_for, *(instance.stack for instance in self.instances)]
        return tuple({stack.name: stack for stack in wanted}.values())

    @property
    def installed(self) -> tuple[Stack, ...]:
        """Every stack that an instance runs from, once."""
        return tuple({one.stack.folder: one.stack for one in self.instances}.values())

    @property
    def files(self) -> tuple[Installer, ...]:
        """Every vendor's file that it needs, once."""
        wanted = [*(self.driver.installers if self.driver else ())]
        wanted += [one for stack in self.stacks for one in stack.installers]
        return tuple({one.sha256: one for one in wanted}.values())

    def answering(self, name: str) -> tuple[Instance, ...]:
        """Instances that are asked on the host of a name: not those that another answers for."""
        return tuple(instance for instance in self.instances if not instance.rank(name))

    def _platform(self) -> Iterator[Fault]:
        """What lies below the instances."""
        if self.driver and accelerator_of(self.driver) is not self.accelerator:
            yield Fault(
                path="driver",
                wrong=f"drives {accelerator_of(self.driver)}, this host has {self.accelerator}",
                right=f"give a driver of {self.accelerator}, or none",
            )
        if self.containers and self.accelerator is not Accelerator.CUDA:
            yield Fault(
                path="containers",
                wrong=f"is given to a host with {self.accelerator}",
                right="leave it out, the toolkit is for NVIDIA's GPUs",
            )
        for stack in self.ready_for:
            if stack.accelerator is not self.accelerator:
                yield Fault(
                    path=f"ready_for/{stack.name}",
                    wrong=f"needs {stack.accelerator}, this host has {self.accelerator}",
                    right=f"choose a stack for {self.accelerator}",
                )
        if self.files and not self.installers:
            yield Fault(
                path="installers",
                wrong=f"is missing while {self.files[0].file} is wanted",
                right="name the folder that holds it",
            )

    def _own_ports(self) -> Iterator[tuple[int, str]]:
        """What listens besides the instances, and where the spec says so."""
        if self.spread:
            yield self.spread.port, "spread"
        if self.agent:
            yield self.agent.port, "agent"
        if self.gateway:
            yield self.gateway.port, "gateway"
            yield self.gateway.own_port, "gateway/own_port"

    def _shared(self) -> Iterator[Fault]:
        """Two instances that want the same thing."""
        names: dict[str, str] = {}
        for port, path in self._own_ports():
            if f"port {port}" in names:
                yield Fault(
                    path=path,
                    wrong=f"wants port {port}, which {names[f'port {port}']} has",
                    right="give each its own port",
                )
            names.setdefault(f"port {port}", f"the host's {path}")
        for index, instance in enumerate(self.instances):
            wants = {f"the name {instance.name}": "give each instance its own name"}
            wants |= {f"port {p}": "give each instance its own port" for p in instance.ports}
            wants |= {f"device {d}": "give each device to one instance" for d in instance.devices}
            for want, right in wants.items():
                if want in names:
                    yield Fault(
                        path=f"instances/{instance.name}",
                        wrong=f"wants {want}, which {names[want]} has",
                        right=right,
                    )
                names.setdefault(want, f"instance {index + 1} ({instance.name})")
        pins: dict[str, Stack | Weights] = {}
        for instance in self.instances:
            for noun in (instance.stack, instance.weights):
                key = f"{type(noun).__name__.lower()} {noun.name}"
                first = pins.setdefault(key, noun)
                if first is noun or first.faults() or noun.faults():
                    continue
                if first.digest != noun.digest:
                    yield Fault(
                        path=f"instances/{instance.name}",
                        wrong=f"has {key} with other content than an instance before it",
                        right="never edit what was deployed, give it a new name",
                    )


def inventory(*groups: Mapping[str, HostSpec], fleet: Fleet | None = None) -> tuple[Group, ...]:
    """
    Turn groups of hosts into what pyinfra reads, in the same order. ``fleet`` says how a change
    comes to them.

    A host's key has to be known beforehand, by ``known_hosts`` or ``ssh_known_hosts_file``.

    .. code:: python

        h200, rtx3090 = inventory({"h200-1.example": _h200}, {"rtx-1.example": _rtx3090})

    :raises SpecError: with every fault of every host
    """
    faults: list[Fault] = []
    seen: dict[int, Findings] = {}
    specs: dict[str, HostSpec] = {}
    sharing: dict[int, list[str]] = {}
    for group in groups:
        for name, spec in group.items():
            if name not in specs:
                specs[name] = spec
                sharing.setdefault(id(spec), []).append(name)
            elif spec != specs[name]:
                fault = Fault(
                    path=name,
                    wrong="is in two groups with different specs",
                    right="give a host one spec",
                )
                faults.append(fault)
    for first, *others in sharing.values():
        path = f"{first} (and {len(others)} more)" if others else first
        faults += [fault.below(path) for fault in specs[first].examined(seen).faults]
    fleet = fleet or Fleet()
    wrong = fleet.faults()
    if not any(found.broken for found in seen.values()):
        faults += unreached(specs)
        faults += ungathered(specs)
        answering = [one for name, spec in specs.items() for one in spec.answering(name)]
        models = Counter(one.served_as for one in answering)
        wrong = wrong or [*fleet.unkept(models)]
    faults += [fault.below("fleet") for fault in wrong]
    if faults:
        raise SpecError(faults)
    return tuple(
        [(name, _data(name, spec) | {"fleet": fleet}) for name, spec in group.items()]
        for group in groups
    )


def _data(name: str, spec: HostSpec) -> dict[str, Any]:
    """Return what pyinfra keeps of a host. Its own default accepts a host key never seen before."""
    strict = {} if name.startswith("@") else {"ssh_strict_host_key_checking": "yes"}
    return {"spec": spec, **strict}
