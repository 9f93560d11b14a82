"""Programs this machine needs to boot lab hosts."""

import os
import shutil
import sys
from collections.abc import Mapping

from roles.lab.command import LabError, run

# What has to be on PATH, and the distribution's package that brings it.
PROGRAMS = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "tinyproxy": "tinyproxy-bin",
}


def refuse_other_machines() -> None:
    """Stop with a reason where no lab can be: it takes Linux, root and apt."""
    if sys.platform != "linux":
        raise LabError(f"this machine: {sys.platform}, a lab needs Linux")
    if os.geteuid() != 0:
        raise LabError(f"this user: uid {os.geteuid()}, a lab needs root")
    if shutil.which("apt-get") is None:
        raise LabError("this machine: no apt-get, a lab needs Debian or a relative of it")


def missing(programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """Name the packages whose program is not there."""
    return sorted({package for program, package in programs.items() if not shutil.which(program)})


def install(programs: Mapping[str, str] = PROGRAMS) -> None:
    """Install the packages whose program is not there."""
    wanted = missing(programs)
    if wanted:
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
        run(*apt, "update", timeout_s=300)
        run(*apt, "install", "--yes", "--no-install-recommends", *wanted, timeout_s=600)
    if left := missing(programs):
        raise LabError(f"apt-get: {', '.join(left)} installed, yet the programs are not on PATH")
