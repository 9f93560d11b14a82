"""A lab: some hosts on one network, kept under one name."""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from roles.lab import cgroup, disk, image, network, packages, places, record
from roles.lab.command import LabError, run
from roles.lab.deletion import delete
from roles.lab.host import LabHost
from roles.lab.lock import alone
from roles.lab.proxy import Proxy

_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_INSTANCES = 8192


@dataclass(frozen=True)
class Lab:
    """
    The lab of one name on this machine.

    Its verbs may be called at any time, by any process: they look at what there is, put it
    right, and return what they changed, one sentence a change.
    """

    name: str = "lab"

    def __post_init__(self) -> None:
        # It becomes part of host names, paths and control groups.
        if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", self.name):
            raise LabError(
                f"name: {self.name!r} is no name for a lab, "
                "a letter and up to 19 letters or digits are right, all lower-case"
            )

    @property
    def folder(self) -> Path:
        return places.STATE / self.name

    @property
    def exists(self) -> bool:
        return self.folder.is_dir()

    @property
    def founded(self) -> bool:
        """Whether the lab was ever given its image and subnet."""
        return record.has(self.name)

    @property
    def hosts(self) -> list[LabHost]:
        """Every host the lab has a disk for, running or not."""
        numbers = [int(f.name.rpartition("-")[2]) for f in self.folder.glob(f"hosts/{self.name}-*")]
        return [self._host(number) for number in sorted(numbers)]

    @property
    def proxy(self) -> Proxy:
        return Proxy(self.folder / "proxy", self.network, self._keepers)

    @property
    def network(self) -> network.Network:
        return network.Network(self._record.subnet)

    def faults(self, count: int) -> list[str]:
        """What ``up`` would put right."""
        if not self.founded or not image.path(self._record.image).is_dir():
            return [f"{self.name}-{number + 1} is new" for number in range(count)]
        faults = []
        if not self.network.has_bridge():
            faults.append(f"bridge {self.network.bridge} is missing")
        if not self.proxy.runs():
            faults.append("the proxy is not running with today's allow list")
        for host in self._wanted(count):
            if not host.folder.is_dir():
                faults.append(f"{host.name} is new")
            elif not host.running:
                faults.append(f"{host.name} is off")
            elif not self.network.has_link(host.number, host.namespace):
                faults.append(f"{host.name} has no network")
            elif self.network.is_cut(host.number):
                faults.append(f"{host.name} is cut off")
            elif not host.answers():
                faults.append(f"{host.name} does not answer")
        return faults

    def up(self, count: int = 2) -> list[str]:
        """Have ``count`` hosts running, and any more the lab has; start what is not."""
        network.refuse_other_counts(count)
        packages.refuse_other_machines()
        packages.install()
        with alone(places.STATE):
            if faults := self.faults(count):
                self._found()
                self._connect()
                wanted = self._wanted(count)
                for host in wanted:
                    self._prepare(host)
                self._write_addresses()
                for host in wanted:
                    host.boot()
                for host in wanted:
                    host.wait_ready()
        return faults

    def remains(self) -> list[str]:
        """What ``down`` would take away."""
        if not self.founded:
            return []
        remains = [f"system of {host.name}" for host in self.hosts if host.running]
        if self.network.has_bridge():
            remains.append(f"bridge {self.network.bridge}")
        if self._group.exists:
            remains.append(f"control group {cgroup.ROOT}/{self.name}")
        return remains

    def down(self) -> list[str]:
        """Power every host off and take the network away; the disks stay."""
        if not self.remains():
            return []
        with alone(places.STATE):
            # Asked again: another run may have done it meanwhile.
            remains = self.remains()
            for host in self.hosts:
                host.power_off()
            for host in self.hosts:
                host.stop()
            self._clear(remains)
        return [f"{what} is gone" for what in remains]

    def destroy(self) -> list[str]:
        """Take the lab down and delete its disks and its keys; the image stays."""
        if not self.exists:
            return []
        with alone(places.STATE):
            gone = self.remains()
            # Nobody will see what a clean power-off leaves on the disks.
            for host in self.hosts:
                host.crash()
            self._clear(gone)
            if self.exists:
                # What names the subnet and the image goes last.
                delete(self.folder / "hosts")
                delete(self.folder)
                gone.append(str(self.folder))
            if not any(places.STATE.iterdir()):
                places.STATE.rmdir()
        return [f"{what} is gone" for what in gone]

    def _clear(self, remains: list[str]) -> None:
        """Leave nothing in the kernel of a lab whose hosts are off."""
        if remains:
            for host in self.hosts:
                host.remove()
            self.proxy.stop()
            self.network.remove_bridge()
            self._group.kill()
            self._group.remove()

    @property
    def _record(self) -> record.Record:
        return record.of(self.name)

    @property
    def _group(self) -> cgroup.Group:
        return cgroup.Group(self.name)

    @property
    def _keepers(self) -> cgroup.Group:
        return cgroup.Group(f"{self.name}/keepers")

    def _wanted(self, count: int) -> list[LabHost]:
        known = {host.number for host in self.hosts}
        return [self._host(number) for number in sorted(known.union(range(1, count + 1)))]

    def _host(self, number: int) -> LabHost:
        name = f"{self.name}-{number}"
        return LabHost(
            name=name,
            number=number,
            folder=self.folder / "hosts" / name,
            image=self._record.image,
            network=self.network,
            group=cgroup.Group(f"{self.name}/{name}"),
            keepers=self._keepers,
            key=self.folder / "key",
            known_hosts=self.folder / "known_hosts",
        )

    def _found(self) -> None:
        """Give the lab an image, a subnet and a key, unless it has them."""
        if not self.founded:
            others = [other.subnet for other in record.every().values()]
            subnet = network.choose(self.name, others).index
            record.keep(self.name, record.Record(subnet=subnet, image=image.build()))
        if not image.path(self._record.image).is_dir():
            raise LabError(
                f"{image.path(self._record.image)}: the image below the disks of lab {self.name} "
                "is gone, destroy the lab and bring it up anew"
            )
        if not (self.folder / "key").is_file():
            comment, key = f"lab {self.name}", self.folder / "key"
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", key)
        if not (self.folder / "api-key").is_file():
            # What clients of the lab's servers have to show.
            (self.folder / "api-key").touch(mode=0o600)
            (self.folder / "api-key").write_text(f"sk-{secrets.token_urlsafe(24)}\n")

    def _connect(self) -> None:
        if int(_INOTIFY.read_text()) < _INOTIFY_INSTANCES:
            # The kernel's default stops about the sixteenth host from booting.
            _INOTIFY.write_text(str(_INOTIFY_INSTANCES))
        disk.make_uv_cache()
        self._keepers.create()
        self.network.make_bridge()
        if not self.proxy.runs():
            self.proxy.start()

    def _prepare(self, host: LabHost) -> None:
        linked = self.network.has_link(host.number, host.namespace)
        if host.running and not linked:
            host.stop()
        if linked and self.network.is_cut(host.number):
            host.mend()
        if not host.running:
            host.disk.prepare(
                name=host.name,
                address=host.address,
                proxy=self.proxy.url,
                authorized=(self.folder / "key.pub").read_text(),
            )

    def _write_addresses(self) -> None:
        """Write what others need to reach the hosts."""
        lines = [f"{h.name},{h.address} {h.disk.public_key()}\n" for h in self.hosts]
        record.write(self.folder / "known_hosts", "".join(lines))
        listed = {
            "hosts": [{"name": host.name, "address": host.address} for host in self.hosts],
            "key": str(self.folder / "key"),
            "known_hosts": str(self.folder / "known_hosts"),
            "proxy": self.proxy.url,
        }
        record.write(self.folder / "hosts.json", json.dumps(listed, indent=2) + "\n")
