"""What a command of this machine takes, and what a lab host takes for it meanwhile."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roles.lab import LabError, LabHost, places

_EVERY_S = 0.1


@dataclass(frozen=True)
class Spent:
    """
    What a command took.

    :param cpu_s: of its process and those that it waited for, user and system
    :param peak_mib: of its process: what is anonymous, looked at ten times a second
    :param host_cpu_s: of every process of the host meanwhile
    :param host_peak_mib: of all of those together, beyond what was before
    :param said: what it printed
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    host_cpu_s: float
    host_peak_mib: float
    said: str

    @property
    def row(self) -> dict[str, float]:
        """What a row says of it."""
        return {
            "wall_s": round(self.wall_s, 1),
            "cpu_s": round(self.cpu_s, 1),
            "peak_mib": round(self.peak_mib),
            "host_cpu_s": round(self.host_cpu_s, 1),
            "host_peak_mib": round(self.host_peak_mib),
        }


def over_ssh(host: LabHost, command: str) -> list[str]:
    """Return the words of a command on a host as an operator types it."""
    known = ["-i", str(host.key), "-o", f"UserKnownHostsFile={host.known_hosts}"]
    return ["ssh", "-F", "none", "-o", "BatchMode=yes", *known, f"root@{host.address}", command]


def spent(
    words: Sequence[str],
    host: LabHost,
    *,
    variables: Mapping[str, str] | None = None,
    within_s: float = 3600,
) -> Spent:
    """
    Run a command that has to succeed, and look at it and at the host.

    :raises LabError: it fails, with its last words
    """
    before_cpu, before_mib = cpu_s(host), anonymous_mib(host.group.members())
    peak = host_peak = 0.0
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            words,
            cwd=places.REPOSITORY,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            ended = 0
            while not ended:
                time.sleep(_EVERY_S)
                peak = max(peak, anonymous_mib([process.pid]))
                host_peak = max(host_peak, anonymous_mib(host.group.members()) - before_mib)
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
                if not ended and time.monotonic() - began > within_s:
                    process.kill()
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            # Whoever stops the bench stops what it runs.
            process.kill()
        took = time.monotonic() - began
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise LabError(f"{' '.join(words)}: ended with {process.returncode}:\n{text[-3000:]}")
    cpu = used.ru_utime + used.ru_stime
    return Spent(took, cpu, peak, cpu_s(host) - before_cpu, host_peak, text)


def cpu_s(host: LabHost) -> float:
    """Return the processor seconds of all of a host's processes so far."""
    return _counted(host.group.folders())


def _counted(folders: Iterable[Path]) -> float:
    """Return what the first of some control groups counts that counts at all."""
    for folder in folders:
        with contextlib.suppress(OSError):
            return int((folder / "cpuacct.usage").read_text()) / 1e9
        with contextlib.suppress(OSError, KeyError):
            lines = (folder / "cpu.stat").read_text().splitlines()
            return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6
    raise LabError("no control group of the host counts its processors' time")


def anonymous_mib(pids: Iterable[int]) -> float:
    """Return the memory of processes that no file is behind; of one that has ended, nothing."""
    return sum(map(_anonymous_kib, pids)) / 1024


def _anonymous_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0
