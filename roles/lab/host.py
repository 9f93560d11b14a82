"""One lab host: a booted system with its own disk, address and control group."""

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from roles.lab.cgroup import Group
from roles.lab.command import LabError, attempt, wait
from roles.lab.daemon import Daemon
from roles.lab.delay import Delay
from roles.lab.disk import Disk
from roles.lab.network import Network
from roles.lab.nspawn import Nspawn

_CONFINED = "lab-confined"


@dataclass(frozen=True, kw_only=True)
class LabHost:
    """
    A host of a lab, to be used and to be mistreated.

    What it is, is on disk and in the kernel: two objects of the same name are the same host.
    """

    name: str
    number: int
    folder: Path
    image: str
    network: Network
    group: Group
    keepers: Group
    key: Path
    known_hosts: Path

    @property
    def address(self) -> str:
        return self.network.address(self.number)

    @property
    def namespace(self) -> str:
        return f"metalserve-{self.name}"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def disk(self) -> Disk:
        return Disk(self.folder / "disk", self.image)

    @property
    def running(self) -> bool:
        return self._system.running

    def boot(self) -> None:
        """Power on from the disk as it was left, and wait for nothing."""
        if not self.running:
            self._system.end()
            if not self.network.has_link(self.number, self.namespace):
                self.network.make_link(self.number, self.namespace)
            self.disk.mount()
            self._system.start()

    def start(self) -> None:
        """Power on, and wait until the host is up."""
        self.boot()
        self.wait_ready()

    def power_off(self) -> None:
        """Begin a clean power-off, and wait for nothing."""
        self._system.power_off()

    def stop(self) -> None:
        """Power off cleanly; pull the plug if that does not come to an end."""
        self._system.power_off()
        self._system.ended(within_s=30)
        self._system.end()

    def crash(self) -> None:
        """Lose power: every process dies at once, the disk stays as it is."""
        self._system.pull_plug()

    def wait_ready(self, *, within_s: float = 300) -> None:
        """Wait for ssh, and for systemd to have started everything."""
        if not wait(lambda: self.answers() or not self.running, within_s=within_s):
            raise LabError(f"{self.name}: no ssh within {within_s:g} s, see {self.console}")
        if not self.running:
            raise LabError(f"{self.name}: it ended while it was booting, see {self.console}")
        question = f"timeout {within_s:g} systemctl is-system-running --wait"
        said = self.run(question, timeout_s=within_s + 10)
        if said.stdout.strip() not in ("running", "degraded"):
            state = said.stdout.strip() or said.stderr.strip() or "nothing"
            raise LabError(f"{self.name}: systemd says {state}, see {self.console}")

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=10) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def run(self, command: str, *, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root over ssh; exit code 255 is ssh's own."""
        options = [
            f"UserKnownHostsFile={self.known_hosts}",
            f"IdentityFile={self.key}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "ConnectTimeout=30",
            # A starved host may say nothing for long, and still be at work.
            "ServerAliveInterval=10",
            "ServerAliveCountMax=6",
            "LogLevel=ERROR",
        ]
        words = [word for option in options for word in ("-o", option)]
        target = f"root@{self.address}"
        return attempt("ssh", "-F", "none", *words, target, command, timeout_s=timeout_s)

    def cut(self) -> None:
        """Unplug the network."""
        self.network.cut(self.number)

    def shape(self, mbit: int) -> None:
        """Slow the network down, both ways."""
        self.network.shape(self.number, self.namespace, mbit)

    def delay(self, ms: float) -> None:
        """Put the host so far away: each way takes half of a round trip of so long."""
        self._delay.begin(ms / 2)

    def mend(self) -> None:
        """Plug the network in again, near and at full speed."""
        self._delay.end()
        self.network.unshape(self.number, self.namespace)
        self.network.mend(self.number)

    def starve(self, *, memory_mib: int | None = None, cpu_percent: int | None = None) -> None:
        """Bound all the host's processes together; 100 percent is one core."""
        if memory_mib is not None:
            self.group.limit_memory(memory_mib)
        if cpu_percent is not None:
            self.group.limit_cpu(cpu_percent)

    def feed(self) -> None:
        """Take back what ``starve`` did."""
        self.group.unlimit()

    def confine(self, path: str, mib: int) -> None:
        """Put a new, empty file system of ``mib`` over ``path``; a crash empties it."""
        place = quote(path)
        size = f"size={mib}m,mode=755"
        self._must(f"mkdir -p {place} && mount -t tmpfs -o {size} {_CONFINED} {place}")

    def fill(self, path: str, leave_mib: int) -> None:
        """Use up the confined file system at ``path`` but for ``leave_mib``."""
        place = quote(path)
        self._must(
            # The disk of a host that is not confined is this machine's.
            f'test "$(findmnt -no SOURCE --target {place})" = {_CONFINED}'
            f" && free=$(df --output=avail -m {place} | tail -n 1)"
            f" && fallocate -l $((free - {leave_mib}))M {place}/.lab-fill"
        )

    def release(self, path: str) -> None:
        """Take back what ``confine`` did; what was below is there again."""
        self._must(f"umount --lazy {quote(path)}")

    def remove(self) -> None:
        """Leave nothing in the kernel of a host that is off."""
        self.disk.unmount()
        self._delay.end()
        self.network.remove_link(self.number, self.namespace)
        self._system.remove()

    @property
    def _delay(self) -> Delay:
        return Delay(self.network, self.number, self.namespace, self.folder / "delay")

    @property
    def _system(self) -> Nspawn:
        return Nspawn(
            name=self.name,
            root=self.disk.root,
            namespace=self.namespace,
            keeper=Daemon(self.folder / "pid", self.console),
            keepers=self.keepers,
            group=self.group,
        )

    def _must(self, command: str) -> None:
        result = self.run(command)
        if result.returncode:
            raise LabError(f"{self.name}: {command}: {result.stderr.strip() or 'was refused'}")
