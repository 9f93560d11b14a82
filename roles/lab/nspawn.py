"""A booted system in systemd-nspawn, kept by a process that outlives us."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from roles.lab import places
from roles.lab.cgroup import Group
from roles.lab.command import wait
from roles.lab.daemon import Daemon, again_at, children

# systemd-nspawn ends with this when its system asked for a reboot.
_REBOOT = 133


@dataclass(frozen=True, kw_only=True)
class Nspawn:
    """
    One system: a keeper, which boots it again after a reboot, and below it systemd-nspawn.

    The keeper is in the ``keepers`` group, so that the limits of ``group`` bind the system alone.
    """

    name: str
    root: Path
    namespace: str
    keeper: Daemon
    keepers: Group
    group: Group

    @property
    def running(self) -> bool:
        return self.keeper.pid is not None

    def start(self) -> None:
        """Power on."""
        self.end()
        self.group.create()
        self.group.share()
        doors = " ".join(str(door) for door in self.keepers.doors())
        groups = " ".join(str(folder) for folder in self.group.folders())
        self.keeper.start(again_at(_REBOOT), doors, groups, *self._words())

    def power_off(self) -> None:
        """Ask the system to power off, and wait for nothing."""
        kept = self._kept()
        # Without its keeper a system that is just rebooting stays off.
        self.keeper.kill()
        for pid in kept:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def ended(self, *, within_s: float) -> bool:
        return wait(lambda: not self.group.members(), within_s=within_s)

    def pull_plug(self) -> None:
        """Kill the system's first process, and with it every other, at once."""
        leaders = [leader for pid in self._kept() for leader in children(pid)]
        self.keeper.kill()
        for pid in leaders:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # systemd-nspawn itself tidies up and follows.
        self.ended(within_s=5)
        self.end()

    def end(self) -> None:
        """Leave no process, whatever state things were left in."""
        self.keeper.kill()
        self.group.kill()

    def remove(self) -> None:
        """Leave nothing of a system that has ended."""
        self.group.remove()
        # systemd-nspawn deletes this itself, but only where /run is in memory.
        with contextlib.suppress(OSError):
            Path("/run/systemd/nspawn/propagate", self.name).rmdir()

    def _kept(self) -> list[int]:
        keeper = self.keeper.pid
        return children(keeper) if keeper else []

    def _words(self) -> list[str]:
        return [
            "env",
            # Programs inside build in /tmp, which would be memory.
            "SYSTEMD_NSPAWN_TMPFS_TMP=0",
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self.root}",
            f"--machine={self.name}",
            # These two do without a system bus, which this machine may not have.
            "--register=no",
            "--keep-unit",
            "--console=pipe",
            # What a host has of its own it may change: Docker makes networks.
            "--capability=CAP_NET_ADMIN",
            # Its containers are given a keyring each, and on cgroup 2 a filter of devices.
            "--system-call-filter=@keyring bpf",
            f"--network-namespace-path=/run/netns/{self.namespace}",
            f"--bind={places.UV_CACHE}:{places.HOST_UV_CACHE}",
            # A tenth of the memory, the default, is too little for servers of several processes.
            "--tmpfs=/dev/shm:mode=1777,size=50%",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
        ]
